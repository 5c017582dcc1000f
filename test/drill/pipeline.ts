import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  bigint,
  count,
  double,
  kinesis,
  lake,
  max,
  mean,
  pipeline,
  text,
  timestamp,
  tumbling,
  type Pipeline,
} from "millrace";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";

/**
 * The pipeline of `functions/aggregate-flight-delays`, as builds of it differ: in what they take for a departure. Its state is
 * that one's, so that commands which read state need not be told of another pipeline.
 */
export function flightDelays(schema: StandardSchemaV1<unknown, Departure>): Pipeline {
  const departures = kinesis("departures", {
    schema,
    key: { origin: (d) => d.origin },
    eventTime: (d) => d.departedAt,
    disorder: { hours: 5 },
  });
  const hourlyDelays = lake("hourly_delays", {
    origin: text,
    windowStart: timestamp,
    windowEnd: timestamp,
    flights: bigint,
    meanDelay: double,
    worstDelay: double,
  });
  const lateDepartures = lake("late_departures", { origin: text, departedAt: timestamp, delay: double });
  return pipeline("flight-delays", (flow) => {
    const hourly = flow
      .from(departures)
      .filter("long-enough", (d) => d.distance >= 100)
      .byKey.window("hourly", tumbling({ hours: 1 }))
      .aggregate({ flights: count(), meanDelay: mean((d) => d.delay), worstDelay: max((d) => d.delay) });
    hourly.to(hourlyDelays);
    hourly.late.map("slim", ({ origin, departedAt, delay }) => ({ origin, departedAt, delay })).to(lateDepartures);
  });
}
