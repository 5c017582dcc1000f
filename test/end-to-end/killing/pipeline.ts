import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";

export const readings = kinesis("readings", {
  schema: z.object({ sensor: z.string(), at: z.number(), does: z.enum(["nothing", "grow", "hang"]) }),
  key: { sensor: (r) => r.sensor },
  eventTime: (r) => r.at,
  disorder: { seconds: 1 },
  idle: "never",
});

export const seconds = lake("seconds", {
  sensor: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  readings: bigint,
});

/** What user code does at its worst: no exception tells of it. */
function survives(does: "nothing" | "grow" | "hang"): boolean {
  const kept: string[][] = [];
  while (does === "grow") kept.push(Array.from({ length: 10_000 }, (_, i) => `${kept.length} ${i}`));
  while (does === "hang");
  return true;
}

export default pipeline("killing", (flow) => {
  flow
    .from(readings)
    .filter("survives", (r) => survives(r.does))
    .byKey.window("per-second", tumbling({ seconds: 1 }))
    .aggregate({ readings: count() })
    .to(seconds);
});
