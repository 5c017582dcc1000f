import { count, kinesis, bigint, pipeline, queue, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

/** An event that happens at a place: epoch milliseconds. */
export const happening = z.object({ place: z.string(), at: z.int() });

const happenings = kinesis("happenings", {
  schema: happening,
  key: { place: ({ place }) => place },
  eventTime: ({ at }) => at,
  disorder: { seconds: 0 },
});

export const seconds = queue("seconds", {
  place: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  happenings: bigint,
});

/** Windows of a second, to a queue. */
export default pipeline("catch-up-live", (flow) => {
  flow
    .from(happenings)
    .byKey.window("by-second", tumbling({ seconds: 1 }))
    .aggregate({ happenings: count() })
    .to(seconds);
});
