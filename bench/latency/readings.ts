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
  type Duration,
} from "millrace";
import { departure, type Departure } from "../../functions/aggregate-flight-delays/schemas.ts";

/** How long results wait by declaration. */
export interface Waits {
  readonly disorder: Duration;
  readonly allowedLateness: Duration;
  readonly idle: Duration;
}

export const WINDOW_MILLIS = 60_000;

const rows = lake("minutes", {
  origin: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  flights: bigint,
  meanDelay: double,
  worstDelay: double,
});

/** The flights job with windows of a minute, over departures that come as they happen. */
export const minutePipeline = ({ disorder, allowedLateness, idle }: Waits) =>
  pipeline("latency-bench", (flow) => {
    const departures = kinesis("departures", {
      schema: departure,
      key: { origin: (d) => d.origin },
      eventTime: (d) => d.departedAt,
      ...{ disorder, idle },
    });
    flow
      .from(departures)
      .byKey.window("by-minute", tumbling({ minutes: 1 }), { allowedLateness })
      .aggregate({ flights: count(), meanDelay: mean((d) => d.delay), worstDelay: max((d) => d.delay) })
      .to(rows);
  });

const AIRPORTS = 50;

/** The n-th departure, which is put when it happens. The same for the same numbers. */
export const departureAt = (n: number, time: number): Departure => ({
  origin: `A${String((n * 7) % AIRPORTS).padStart(2, "0")}`,
  destination: "SFO",
  departedAt: time,
  delay: (n * 31) % 90,
  distance: 100 + ((n * 17) % 2_000),
});
