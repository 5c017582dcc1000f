import { count, double, lake, max, mean, pipeline, text, timestamp, tumbling } from "millrace";
import { departures, hourlyDelays, lateDepartures } from "../../../functions/aggregate-flight-delays/pipeline.ts";

/** Minutes from which on a delay is a long one. */
export const LONG = 60;

export const longDelays = lake("long_delays", { origin: text, departedAt: timestamp, delay: double, distance: double });

/**
 * The next version of `functions/aggregate-flight-delays`: the same window, with the same state, and one more lake, which
 * has a row for each long delay from when this version took over.
 */
export default pipeline("flight-delays", (flow) => {
  const all = flow.from(departures);
  const hourly = all
    .filter("long-enough", (d) => d.distance >= 100)
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ flights: count(), meanDelay: mean((d) => d.delay), worstDelay: max((d) => d.delay) });
  hourly.to(hourlyDelays);
  hourly.late.map("slim", ({ origin, departedAt, delay }) => ({ origin, departedAt, delay })).to(lateDepartures);
  all
    .filter("long-delay", (d) => d.delay >= LONG)
    .map("long", ({ origin, departedAt, delay, distance }) => ({ origin, departedAt, delay, distance }))
    .to(longDelays);
  return { hourly };
});
