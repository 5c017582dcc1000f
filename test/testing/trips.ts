import { bigint, count, double, kinesis, lake, pipeline, sum, text, timestamp, tumbling } from "millrace";
import { z } from "zod";

export const MINUTE = 60_000;
export const START = Date.UTC(2001, 0, 1);

export const trips = kinesis("trips", {
  schema: z.object({ city: z.string(), fare: z.number(), at: z.number(), id: z.string().optional() }),
  key: { city: (trip) => trip.city },
  eventTime: (trip) => trip.at,
  disorder: { minutes: 1 },
});

export const fares = lake("fares", {
  city: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  trips: bigint,
  fares: double,
});
export const tooLate = lake("too_late", { city: text, at: timestamp });

/** Fares per city and minute. */
export const perMinute = pipeline("fares", (flow) => {
  const minutes = flow
    .from(trips)
    .filter("paid", ({ fare }) => fare > 0)
    .byKey.window("minutes", tumbling({ minutes: 1 }))
    .aggregate({ trips: count(), fares: sum((trip) => trip.fare) });
  minutes.to(fares);
  minutes.late.map("slim", ({ city, at }) => ({ city, at })).to(tooLate);
  return { minutes };
});

/** A trip so many minutes after the start. */
export const ulm = (minutes: number, fare = 1) => ({ city: "Ulm", fare, at: START + minutes * MINUTE });
