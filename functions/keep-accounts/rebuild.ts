import { kinesis, pipeline } from "millrace";
import { accountEvents } from "./pipeline.ts";
import { project } from "./project.ts";
import { accountEvent } from "./schemas.ts";

/** Where `npm run rebuild` finds the events. */
export { accountEvents as lake };

/** The events that were kept, as if they happened now. */
const kept = kinesis("kept", {
  schema: accountEvent,
  key: { account: (event) => event.account },
  eventTime: (event) => event.at,
  disorder: { minutes: 1 },
});

/** The same views of the same events, without what decided them. It is run by `npm run rebuild`, and not deployed. */
export default pipeline("rebuild-accounts", (flow) => {
  project(flow.from(kept));
});
