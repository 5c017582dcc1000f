import { parentPort, workerData } from "node:worker_threads";
import type { Rejected } from "../format-conversion.ts";
import type { IcebergSettings } from "./iceberg-settings.ts";
import { mergeRecords } from "./merge-records.ts";
import type { TableState } from "./table-state.ts";
import { commitTo, type TableObject } from "./table.ts";

/** What a commit is made of. */
export interface CommitWork {
  readonly bytes: Uint8Array;
  readonly lengths: readonly number[];
  readonly settings: IcebergSettings;
  readonly before: TableState;
  readonly now: number;
}

export interface Committed {
  /** Unchanged where no record could be read. */
  readonly state: TableState;
  readonly objects: readonly TableObject[];
  readonly rejected: readonly Rejected[];
  readonly rows: number;
}

/** Makes a commit in a thread of its own, so that a large one does not hold up the whole stack. */
const { bytes, lengths, settings, before, now } = workerData as CommitWork;
let at = 0;
const records = lengths.map((length) => bytes.subarray(at, (at += length)));
const merge = mergeRecords(records, settings);
const nothing = merge.rows.length + merge.keys.length === 0;
const { state, objects } = nothing ? { state: before, objects: [] } : commitTo(before, merge, settings, now);
const committed: Committed = { state, objects, rejected: merge.rejected, rows: records.length - merge.rejected.length };
parentPort?.postMessage(committed);
