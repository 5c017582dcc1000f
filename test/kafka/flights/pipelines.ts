import {
  bigint,
  count,
  kafka,
  kinesis,
  lake,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
  type Pipeline,
  type Source,
} from "millrace";
import { z } from "zod";

export const TOPIC = "flights.departed";

const flight = z.object({ origin: z.string(), departedAt: z.number(), delay: z.number() });
type Flight = z.infer<typeof flight>;

const options = { schema: flight, eventTime: (f: Flight) => f.departedAt };

/** Flights are put in their order: what is behind another partition is not late, and nothing is behind in its own by a minute. */
const ordered = { ...options, disorder: { minutes: 1 } };

const hourly = (source: Source<Flight>): Pipeline =>
  pipeline("flights", (flow) => {
    flow
      .from(source)
      .keyBy("by-origin", { origin: (f) => f.origin })
      .window("hourly", tumbling({ hours: 1 }))
      .aggregate({ flights: count(), delay: sum((f) => f.delay) })
      .map("row", ({ origin, windowStart, flights, delay }) => ({
        origin,
        windowStart,
        flights: BigInt(flights),
        delay: BigInt(delay),
      }))
      .to(lake("hourly_delays", { origin: text, windowStart: timestamp, flights: bigint, delay: bigint }));
  });

export const ofKafka = hourly(kafka("departures", { ...ordered, topic: TOPIC }));
export const ofKinesis = hourly(kinesis("departures", ordered));

/** Partitions that are added are discovered late, and history is put in seconds: nothing is late before the end. */
export const ofGrowingTopic = hourly(kafka("departures", { ...options, disorder: { days: 400 }, topic: TOPIC }));
