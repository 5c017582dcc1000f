import { bigint, kinesis, lake, map, pipeline, side, text, timestamp, value } from "millrace";
import * as z from "zod";
import { account, decide, evolve, NO_ACCOUNT } from "./decide.ts";
import { project } from "./project.ts";
import { accountCommand, type AccountEvent } from "./schemas.ts";

export const commands = kinesis("commands", {
  schema: accountCommand,
  key: { account: (command) => command.account },
  eventTime: (command) => command.at,
  disorder: { minutes: 1 },
});

/** All that ever happened, in order: views are computed of it, again if need be. */
export const accountEvents = lake("account_events", {
  account: text,
  sequence: bigint,
  type: text,
  amount: bigint,
  balance: bigint,
  commandId: text,
  at: timestamp,
});

/** What was not done, and why. */
export const rejections = lake("rejected_commands", { account: text, commandId: text, reason: text, at: timestamp });

/** How long a command's id is remembered, in event time. */
const REMEMBERED = { days: 7 };

interface Rejection {
  readonly account: string;
  readonly commandId: string;
  readonly reason: string;
  readonly at: number;
}

/** Commands are decided per account, one after the other; what comes of it are events, and views of them. */
export default pipeline("accounts", (flow) => {
  const decided = flow.from(commands).byKey.process("decide", {
    state: { account: value(account), decided: map(z.string(), z.boolean(), { ttl: REMEMBERED }) },
    sides: { rejected: side<Rejection>() },
    *onRecord(command, { state, side }): Iterable<AccountEvent> {
      if (state.decided.has(command.id)) return;
      state.decided.set(command.id, true);
      const decision = decide(state.account.get() ?? NO_ACCOUNT, command);
      if ("reason" in decision) {
        const { account, id: commandId, at } = command;
        side.rejected({ account, commandId, reason: decision.reason, at });
        return;
      }
      state.account.set(evolve(decision.event));
      yield decision.event;
    },
  });
  decided.side.rejected.to(rejections);
  decided.to(accountEvents);
  project(decided);
});
