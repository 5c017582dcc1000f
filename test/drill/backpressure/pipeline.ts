import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling, type Pipeline } from "millrace";
import * as z from "zod";

const reading = z.object({ key: z.string(), at: z.number() });
export type Reading = z.infer<typeof reading>;

/** A sink that takes a row of every minute. @param failures in a row that open its breaker */
export function minutes(failures: number): Pipeline {
  const readings = kinesis("readings", {
    schema: reading,
    key: { key: (one) => one.key },
    eventTime: (one) => one.at,
    disorder: { seconds: 0 },
    maxFuture: "unbounded",
    idle: "never",
  });
  const rows = lake(
    "minutes",
    { key: text, windowStart: timestamp, windowEnd: timestamp, readings: bigint },
    { delivery: { breaker: { failures } } },
  );
  return pipeline("minutes", (flow) => {
    flow
      .from(readings)
      .byKey.window("minutely", tumbling({ minutes: 1 }))
      .aggregate({ readings: count() })
      .to(rows);
  });
}
