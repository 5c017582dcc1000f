import { rmSync } from "node:fs";
import path from "node:path";
import { whole } from "../affinity/tables.ts";
import { metered } from "../harness/metered.ts";
import { workDirectory } from "../harness/work.ts";
import { bundledEntry } from "../harness/entries.ts";
import type { Shape, TurnsReport } from "./millrace/turns.ts";
import { BATCH, PACKED } from "./data.ts";
import type { Subject } from "./subject.ts";

const ABOUT: Readonly<Record<Shape, string>> = {
  text: "the payloads alone, a line each",
  packed: `Lambda events, ${PACKED} departures a record, one after the other in it`,
  enveloped: "Lambda events, one departure a record: JSON.parse of the event, base64, JSON.parse",
};

/** Millrace in a process of plain Node. @param batch payloads a turn, of texts: how many events a Lambda event has is in the file */
export function millrace(shape: Shape, batch = BATCH): Subject {
  const entry = bundledEntry("engine/millrace/flights-entry");
  return {
    name: `Millrace, ${shape}${batch === BATCH ? "" : `, ${whole(batch)} a batch`}`,
    about: batch === BATCH ? ABOUT[shape] : `the same with a turn and a commit for every ${whole(batch)} of them`,
    async run(departures) {
      const rows = path.join(workDirectory("rows"), `millrace-${shape}-${batch}.ndjson`);
      rmSync(rows, { force: true });
      const { usage, output } = await metered("node", [entry, shape, departures[shape], rows, String(batch)]);
      const { records, late } = JSON.parse(output) as TurnsReport;
      if (late > 0) throw new Error(`${late} departures were late.`);
      return { usage, rows: [rows], records };
    },
  };
}

/** The least that JavaScript can do. */
export function floor(shape: "text" | "enveloped"): Subject {
  const entry = bundledEntry("engine/millrace/floor-entry");
  return {
    name: `floor, ${shape}`,
    about:
      shape === "text"
        ? "JSON.parse of every payload, nothing else"
        : "JSON.parse, base64 and JSON.parse, nothing else",
    async run(departures) {
      const { usage, output } = await metered("node", [entry, shape, departures[shape]]);
      return { usage, records: (JSON.parse(output) as { readonly records: number }).records };
    },
  };
}

/** DuckDB's answer in a process of its own, with one thread: what a batch job takes that has all data at hand. */
export function duckdb(): Subject {
  const entry = bundledEntry("engine/millrace/duckdb-entry");
  return {
    name: "floor, DuckDB",
    about: "a batch query over the whole file, one thread",
    async run({ text }) {
      const rows = path.join(workDirectory("rows"), "duckdb.ndjson");
      const { usage } = await metered("node", [entry, text, rows]);
      return { usage, rows: [rows] };
    },
  };
}
