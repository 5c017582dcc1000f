import { bigint, count, double, kinesis, lake, max, mean, pipeline, text, timestamp, tumbling } from "millrace";
import { departure } from "./schemas.ts";

export const departures = kinesis("departures", {
  schema: departure,
  key: { origin: (d) => d.origin },
  eventTime: (d) => d.departedAt,
  trace: (d) => d.traceparent,
  // Departures come in the order of local time, so Hawaii is hours ahead of the islands in the Atlantic: five
  // hours wait for all but a part of those, half a percent in winter. Six would wait for everyone.
  disorder: { hours: 5 },
});

export const hourlyDelays = lake("hourly_delays", {
  origin: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  flights: bigint,
  meanDelay: double,
  worstDelay: double,
});

export const lateDepartures = lake("late_departures", { origin: text, departedAt: timestamp, delay: double });

export default pipeline("flight-delays", (flow) => {
  const hourly = flow
    .from(departures)
    .filter("long-enough", (d) => d.distance >= 100)
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ flights: count(), meanDelay: mean((d) => d.delay), worstDelay: max((d) => d.delay) });
  hourly.to(hourlyDelays);
  hourly.late.map("slim", ({ origin, departedAt, delay }) => ({ origin, departedAt, delay })).to(lateDepartures);
  return { hourly };
});
