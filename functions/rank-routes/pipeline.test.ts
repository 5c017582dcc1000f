import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import routes, { busiestRoutes, dailyRoutes, departures } from "./pipeline.ts";

const NEW_YEAR = Date.UTC(2001, 0, 1);
const HOUR = 3_600_000;
const { routes: daily, rankings } = routes.handles;

const departure = (origin: string, destination: string, hours: number, delay = 0) => ({
  origin,
  destination,
  departedAt: NEW_YEAR + hours * HOUR,
  delay,
  distance: 900,
});

/** Three shards of every stream: the departures of a route come in by any of them, and meet. */
const driver = () => testDriver(routes, { start: NEW_YEAR + 48 * HOUR, shards: 3, deadLetters: "throw" });

test("a route's day is one row, and an airport's day ranks its routes", () => {
  const january = driver();
  for (let i = 0; i < 10; i++) january.push(departures, departure("ORD", "DEN", i, 10 * i));
  for (let i = 0; i < 4; i++) january.push(departures, departure("ORD", "JFK", i));
  january.push(departures, departure("JFK", "ORD", 5));
  january.drain();
  const [toDenver] = january.read(dailyRoutes).filter(({ destination }) => destination === "DEN");
  expect(toDenver).toMatchObject({ origin: "ORD", windowStart: NEW_YEAR, flights: 10, worstAt: NEW_YEAR + 9 * HOUR });
  const ranked = january.read(busiestRoutes).toSorted((a, b) => a.origin.localeCompare(b.origin));
  expect(ranked.map(({ origin, flights, busiest }) => [origin, flights, busiest])).toEqual([
    ["JFK", 1, "ORD 1"],
    ["ORD", 14, "DEN 10, JFK 4"],
  ]);
});

test("a day is ranked once all its routes are closed: each stage has an event time of its own", () => {
  const january = driver();
  january.push(departures, departure("ORD", "DEN", 1));
  expect(january.windows(daily, { origin: "ORD", destination: "DEN" })).toMatchObject([{ flights: 1 }]);
  expect(january.windows(rankings, { origin: "ORD" })).toEqual([]);
  // The other shards have never had a record; once they are found silent, they do not hold event time back.
  january.advanceTime({ hours: 30 });
  expect(january.read(dailyRoutes)).toHaveLength(1);
  expect(january.read(busiestRoutes)).toMatchObject([{ origin: "ORD", busiest: "DEN 1" }]);
  expect(january.watermark(rankings)).toBeGreaterThanOrEqual(NEW_YEAR + 24 * HOUR);
});
