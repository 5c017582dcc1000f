import { bigint, count, custom, double, kinesis, lake, max, mean, pipeline, text, timestamp, tumbling } from "millrace";
import * as z from "zod";
import { quake, type Quake } from "./schemas.ts";

export const quakes = kinesis("quakes", {
  schema: quake,
  key: { network: (q) => q.network },
  eventTime: (q) => q.occurredAt,
  trace: (q) => q.traceparent,
  // Analysts review a quake hours to days after the instruments reported it. Two days wait for all but one
  // report in fifty; a week would wait for every one, and tell nobody anything for a week.
  disorder: { days: 2 },
});

export const dailyQuakes = lake("daily_quakes", {
  network: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  quakes: bigint,
  meanMagnitude: double,
  maxMagnitude: double,
  strongestAt: text,
});

export const lateQuakes = lake("late_quakes", { network: text, id: text, occurredAt: timestamp, magnitude: double });

const strongest = z.object({ magnitude: z.number(), occurredAt: z.number(), place: z.string() }).nullable();
type Strongest = z.infer<typeof strongest>;

/** The stronger of two; of equally strong ones the earlier, so that the order of reports does not matter. */
function stronger(a: Strongest, b: Strongest): Strongest {
  if (a === null || b === null) return a ?? b;
  const difference = b.magnitude - a.magnitude || a.occurredAt - b.occurredAt || (b.place < a.place ? 1 : -1);
  return difference > 0 ? b : a;
}

/** Where the strongest quake was. */
const placeOfStrongest = custom<Quake, Strongest, string>({
  state: strongest,
  init: () => null,
  add: (known, { magnitude, occurredAt, place }) => stronger(known, { magnitude, occurredAt, place }),
  merge: stronger,
  result: (known) => known?.place ?? "",
});

export default pipeline("earthquakes", (flow) => {
  const daily = flow
    .from(quakes)
    .filter("natural", (q) => q.type === "earthquake")
    .metric("natural-quakes", {
      dimensions: { network: { of: (q) => q.network, values: ["ak", "ci", "hv", "nc", "us"] } },
    })
    .byKey.window("daily", tumbling({ days: 1 }))
    .aggregate({
      quakes: count(),
      meanMagnitude: mean((q) => q.magnitude),
      maxMagnitude: max((q) => q.magnitude),
      strongestAt: placeOfStrongest,
    });
  daily.to(dailyQuakes);
  daily.late
    .map("slim", ({ network, id, occurredAt, magnitude }) => ({ network, id, occurredAt, magnitude }))
    .to(lateQuakes);
  return { daily };
});
