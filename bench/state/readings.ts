import { bigint, count, double, kinesis, lake, max, pipeline, sum, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

export const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), at: z.number(), value: z.number() }),
  key: { sensor: (reading) => reading.sensor },
  eventTime: (reading) => reading.at,
  idle: "never",
  disorder: { minutes: 1 },
  maxFuture: "unbounded",
});

export const totals = lake("totals", {
  ...{ sensor: text, windowStart: timestamp, windowEnd: timestamp },
  ...{ readings: bigint, total: double, most: double },
});

/** One open window a sensor: every key that was ever seen is live. */
export default pipeline("readings-bench", (flow) => {
  flow
    .from(readings)
    .byKey.window("yearly", tumbling({ days: 365 }))
    .aggregate({ readings: count(), total: sum((r) => r.value), most: max((r) => r.value) })
    .to(totals);
});
