import { bigint, count, double, kinesis, lake, max, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

export const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), at: z.number(), value: z.number(), note: z.unknown().optional() }),
  key: { sensor: (r) => r.sensor },
  eventTime: (r) => r.at,
  disorder: { seconds: 1 },
  idle: { seconds: 1 },
});

export const seconds = lake("seconds", {
  sensor: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  readings: bigint,
  highest: double,
});

export default pipeline("readings", (flow) => {
  flow
    .from(readings)
    .byKey.window("per-second", tumbling({ seconds: 1 }))
    .aggregate({ readings: count(), highest: max((r) => r.value) })
    .to(seconds);
});
