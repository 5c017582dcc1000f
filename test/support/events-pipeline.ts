import {
  bigint,
  count,
  double,
  kinesis,
  lake,
  max,
  min,
  nullable,
  pipeline,
  sum,
  mean,
  text,
  timestamp,
  tumbling,
  type Duration,
} from "millrace";
import { z } from "zod";

export const event = z.object({ key: z.string(), time: z.number(), value: z.number() });
export type Event = z.infer<typeof event>;

export interface EventsOptions {
  readonly disorder?: Duration;
  readonly allowedLateness?: Duration;
  readonly idle?: Duration | "never";
  readonly maxFuture?: Duration | "unbounded";
  readonly share?: number;
}

/** The smallest pipeline with all that matters: filter, window, late output. */
export function eventsPipeline({
  disorder = { millis: 5 },
  allowedLateness = {},
  idle = "never",
  maxFuture = "unbounded",
  share = 0.5,
}: EventsOptions = {}) {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder,
    idle,
    maxFuture,
  });
  const sums = lake("sums", {
    key: text,
    windowStart: timestamp,
    windowEnd: timestamp,
    events: bigint,
    total: double,
    average: double,
    least: double,
    most: double,
  });
  const late = lake("late", { key: text, time: bigint, value: double, note: nullable(text) });
  return pipeline(
    "events-pipeline",
    (flow) => {
      const windows = flow
        .from(events)
        .filter("not-zero", (e) => e.value !== 0)
        .byKey.window("tens", tumbling({ millis: 10 }), { allowedLateness })
        .aggregate({
          events: count(),
          total: sum((e) => e.value),
          average: mean((e) => e.value),
          least: min((e) => e.value),
          most: max((e) => e.value),
        });
      windows.to(sums);
      windows.late.to(late);
    },
    { poison: { share } },
  );
}

export interface SumRow {
  readonly key: string;
  readonly window_start: number;
  readonly window_end: number;
  readonly events: number;
  readonly total: number;
  readonly average: number;
  readonly least: number;
  readonly most: number;
}
