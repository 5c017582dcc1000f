import { bigint, count, kinesis, pipeline, queue, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

/** An event that says when it was put: epoch milliseconds. */
export const pulse = z.object({ n: z.int(), place: z.string(), putAt: z.int() });

const pulses = kinesis("pulses", {
  schema: pulse,
  key: { place: ({ place }) => place },
  eventTime: ({ putAt }) => putAt,
  disorder: { seconds: 0 },
});

/** Each event, with the clock of the function that folds it. */
export const seen = queue("seen", { n: bigint, putAt: bigint, foldedAt: bigint });

export const counts = queue("counts", { place: text, windowStart: timestamp, windowEnd: timestamp, pulses: bigint });

/** Each event as it is, and windows of a second: both to queues, which say when a message was sent. */
export default pipeline("latency-live", (flow) => {
  const events = flow.from(pulses);
  events.map("with-clock", ({ n, putAt }) => ({ n, putAt, foldedAt: Date.now() })).to(seen);
  events.byKey
    .window("seconds", tumbling({ seconds: 1 }))
    .aggregate({ pulses: count() })
    .to(counts);
});
