import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  count,
  day,
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
import { hourlyDelays } from "../../functions/aggregate-flight-delays/pipeline.ts";
import * as z from "zod";
import { departure, type Departure } from "../../functions/aggregate-flight-delays/schemas.ts";

/** A departure from anywhere: what a producer writes for an origin may be long. */
export const anyDeparture = departure.extend({ origin: z.string() });

/**
 * The pipeline of `functions/aggregate-flight-delays`, as builds of it differ: in what they take for a departure. Its state is
 * that one's, so that commands which read state need not be told of another pipeline. What is late lies in folders by day.
 */
export function flightDelays(schema: StandardSchemaV1<unknown, Departure>): Pipeline {
  const departures = kinesis("departures", {
    schema,
    key: { origin: (d) => d.origin },
    eventTime: (d) => d.departedAt,
    disorder: { hours: 5 },
  });
  const lateDepartures = lake(
    "late_departures",
    { origin: text, departedAt: timestamp, delay: double },
    { partitionBy: day("departedAt", { from: "2025-01-01" }) },
  );
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
