import {
  approxPercentile,
  bigint,
  count,
  double,
  kinesis,
  lake,
  maxBy,
  pipeline,
  sum,
  text,
  timestamp,
  topN,
  tumbling,
} from "millrace";
import { departure } from "./schemas.ts";

export const departures = kinesis("departures", {
  // No key: producers spread their records at random, as they mostly do.
  schema: departure,
  eventTime: (d) => d.departedAt,
  trace: (d) => d.traceparent,
  // Departures come in the order of local time, and the islands in the Atlantic are up to six hours behind Hawaii.
  disorder: { hours: 6 },
});

export const dailyRoutes = lake("daily_routes", {
  origin: text,
  destination: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  flights: bigint,
  delayP90: double,
  worstAt: timestamp,
});

export const busiestRoutes = lake("busiest_routes", {
  origin: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  destinations: bigint,
  flights: bigint,
  busiest: text,
});

/** Orders by the number of flights, and among as many by the destination: no two routes of an airport are equal. */
const rankOf = ({ flights, destination }: { readonly flights: number; readonly destination: string }): string =>
  `${String(flights).padStart(6, "0")} ${destination}`;

/** Three stages: what departs, each route's day, and of each airport's day its busiest routes. */
export default pipeline("routes", (flow) => {
  const routes = flow
    .from(departures)
    .filter("long-enough", (d) => d.distance >= 100)
    .keyBy("by-route", { origin: (d) => d.origin, destination: (d) => d.destination })
    .window("daily", tumbling({ days: 1 }))
    .aggregate({
      flights: count(),
      delayP90: approxPercentile((d) => d.delay, 0.9),
      worstAt: maxBy({ by: (d) => d.delay, value: (d) => d.departedAt }),
    });
  routes.to(dailyRoutes);
  const rankings = routes
    .keyBy("by-origin", { origin: (route) => route.origin })
    .window("ranking", tumbling({ days: 1 }))
    .aggregate({
      destinations: count(),
      flights: sum((route) => route.flights),
      ranked: topN(3, { by: rankOf, value: ({ destination, flights }) => `${destination} ${flights}` }),
    });
  rankings.map("joined", ({ ranked, ...row }) => ({ ...row, busiest: ranked.join(", ") })).to(busiestRoutes);
  return { routes, rankings };
});
