import { rmSync } from "node:fs";
import path from "node:path";
import { whole } from "../affinity/tables.ts";
import { functionNode } from "../harness/function-node.ts";
import { metered } from "../harness/metered.ts";
import { workDirectory } from "../harness/work.ts";
import { bundledEntry } from "../harness/entries.ts";
import type { Shape, TurnsReport } from "./millrace/turns.ts";
import { BATCH, PACKED } from "./data.ts";
import type { Subject } from "./subject.ts";

const SHAPES: Readonly<Record<Shape, { readonly name: string; readonly about: string }>> = {
  text: { name: "text", about: "the payloads alone, a line each" },
  packed: {
    name: "packed",
    about: `Lambda events of ${whole(BATCH)} departures, ${PACKED} a record, one after the other in it`,
  },
  backlog: {
    name: "packed, full batches",
    about: "the same in events as a mapping of its defaults makes them of a backlog: 1,000 records, or what 6 MB hold",
  },
  enveloped: {
    name: "enveloped",
    about: `Lambda events of ${whole(BATCH)} records, one departure in each: the event as Lambda's runtime gets it, a text`,
  },
};

/** Millrace in a process of its functions' Node. @param batch payloads a turn, of texts: how many events a Lambda event has is in the file */
export function millrace(shape: Shape, batch = BATCH): Subject {
  const entry = bundledEntry("engine/millrace/flights-entry");
  return {
    name: `Millrace, ${SHAPES[shape].name}${batch === BATCH ? "" : `, ${whole(batch)} a batch`}`,
    about:
      batch === BATCH ? SHAPES[shape].about : `the same with a turn and a commit for every ${whole(batch)} of them`,
    async run(departures, mark) {
      const rows = path.join(workDirectory("rows"), `millrace-${shape}-${batch}.ndjson`);
      rmSync(rows, { force: true });
      const args = [entry, shape, departures[shape], rows, String(batch)];
      const { usage, output, marked } = await metered(functionNode(), args, { mark });
      const { records, late } = JSON.parse(output) as TurnsReport;
      if (late > 0) throw new Error(`${late} departures were late.`);
      return { usage, rows: [rows], records, marked };
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
    async run(departures, mark) {
      const { usage, output, marked } = await metered(functionNode(), [entry, shape, departures[shape]], { mark });
      return { usage, records: (JSON.parse(output) as { readonly records: number }).records, marked };
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
      return { usage, rows: [rows], marked: "none" };
    },
  };
}
