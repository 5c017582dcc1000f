import { bigint, count, double, kinesis, lake, max, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), at: z.number(), value: z.number() }),
  key: { sensor: (reading) => reading.sensor },
  eventTime: (reading) => reading.at,
  disorder: { seconds: 1 },
});

const columns = { sensor: text, windowStart: timestamp, windowEnd: timestamp, readings: bigint, highest: double };

/** Rows of windows in two lakes: one hides repeats by its view, the other has none. */
export default pipeline("readings", (flow) => {
  const seconds = flow
    .from(readings)
    .byKey.window("per-second", tumbling({ seconds: 1 }))
    .aggregate({ readings: count(), highest: max((reading) => reading.value) });
  seconds.to(lake("merged", columns, { table: "iceberg" }));
  seconds.to(lake("hidden", columns));
});
