import { bigint, count, double, kinesis, lake, max, mean, pipeline, text, timestamp, tumbling } from "millrace";
import { departure } from "../../functions/aggregate-flight-delays/schemas.ts";

/** No departure is later than this in the data (docs/performance.md): so that answers depend on no engine's clock. */
export const DISORDER_HOURS = 7;

export const departures = kinesis("departures", {
  schema: departure,
  key: { origin: (d) => d.origin },
  eventTime: (d) => d.departedAt,
  disorder: { hours: DISORDER_HOURS },
});

export const hourlyDelays = lake("hourly_delays", {
  origin: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  flights: bigint,
  meanDelay: double,
  worstDelay: double,
});

/** The pipeline of functions/aggregate-flight-delays, but for its late departures: here there are none. */
export default pipeline("flights-bench", (flow) => {
  flow
    .from(departures)
    .filter("long-enough", (d) => d.distance >= 100)
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ flights: count(), meanDelay: mean((d) => d.delay), worstDelay: max((d) => d.delay) })
    .to(hourlyDelays);
});
