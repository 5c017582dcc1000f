import { readFileSync } from "node:fs";
import type { Demo } from "../../../localstack/start/demo.ts";
import { INPUTS, prepareQuakes } from "./prepare.ts";

const sql = (name: string): string => readFileSync(new URL(name, import.meta.url), "utf8");

/** A week of seismic events, early 2018, as the USGS published them (npm: vega-datasets). */
export const demo: Demo = {
  events: "quakes",
  available: 1_707,
  defaults: { events: 1_707, shards: 1 },
  inputs: INPUTS,
  prepare: prepareQuakes,
  eventsSql: sql("events.sql"),
  oracleSql: sql("oracle.sql"),
  sinks: [
    {
      name: "daily_quakes",
      rows: "windows",
      key: ["network", "window_start", "window_end"],
      // Magnitudes are no whole numbers, so that the two sums may differ in their last bit.
      closeTo: { mean_magnitude: 1e-12 },
    },
    { name: "late_quakes", rows: "late quakes" },
  ],
  highlights: [
    { title: "Strongest quakes by day and network", sql: sql("strongest.sql") },
    { title: "Busiest networks", sql: sql("busiest.sql") },
  ],
};
