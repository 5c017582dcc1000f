import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

export const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), at: z.number(), readableFrom: z.number() }),
  key: { sensor: (r) => r.sensor },
  eventTime: (r) => r.at,
  disorder: { minutes: 1 },
  idle: "never",
});

export const minutes = lake("minutes", {
  sensor: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  readings: bigint,
});

/** User code that fails until a time that the record names, as if a mended build were deployed then. */
export default pipeline("mended", (flow) => {
  flow
    .from(readings)
    .filter("readable", ({ readableFrom }) => {
      if (Date.now() < readableFrom) throw new Error("not mended yet");
      return true;
    })
    .byKey.window("per-minute", tumbling({ minutes: 1 }))
    .aggregate({ readings: count() })
    .to(minutes);
});
