import { readFileSync } from "node:fs";
import type { Demo } from "../../../localstack/start/demo.ts";
import { INPUTS, prepareDepartures } from "../../aggregate-flight-delays/demo/prepare.ts";

const sql = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** The departures of the other demo, but put as most producers put: under random partition keys. */
export const demo: Demo = {
  events: "departures",
  available: 3_000_000,
  defaults: { events: 100_000, shards: 2 },
  inputs: INPUTS,
  prepare: prepareDepartures,
  eventsSql: sql("events.sql"),
  oracleSql: sql("oracle.sql"),
  sinks: [
    {
      name: "daily_routes",
      rows: "windows",
      key: ["origin", "destination", "window_start", "window_end"],
      // A percentile is within 1 % of the exact one.
      closeTo: { delay_p90: 0.01 + 1e-9 },
    },
    { name: "busiest_routes", rows: "rankings", key: ["origin", "window_start", "window_end"] },
  ],
  highlights: [
    { title: "Busiest airports, and where their flights go", sql: sql("busiest.sql") },
    { title: "Routes with the slowest day (ten flights at least)", sql: sql("slowest.sql") },
  ],
};
