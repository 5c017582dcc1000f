import { readFileSync } from "node:fs";
import type { Demo } from "../../../localstack/start/demo.ts";
import { INPUTS, prepareDepartures } from "./prepare.ts";

const sql = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** Three million departures of the United States, January to June 2001 (npm: vega-datasets). */
export const demo: Demo = {
  events: "departures",
  available: 3_000_000,
  defaults: { events: 100_000, shards: 2 },
  inputs: INPUTS,
  prepare: prepareDepartures,
  eventsSql: sql("events.sql"),
  oracleSql: sql("oracle.sql"),
  sinks: [
    { name: "hourly_delays", rows: "windows", key: ["origin", "window_start", "window_end"] },
    { name: "late_departures", rows: "late departures" },
  ],
  highlights: [
    { title: "Airports with the worst mean delay (minutes)", sql: sql("worst-airports.sql") },
    { title: "Worst hours", sql: sql("worst-hours.sql") },
  ],
};
