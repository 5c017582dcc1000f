import type { KeyedTable, TableDelta } from "../../lib/state/keyed-table.ts";
import { RunDelta } from "../../lib/state/run-delta.ts";
import type { RunLimits } from "../../lib/state/run-writer.ts";

/** All a table has as a sorted run, which it has its entries in from now on; as it is where it cannot. */
export function compacted(table: KeyedTable, limits: RunLimits): TableDelta {
  const merge = table.beginMerge(limits, (value) => value);
  if (merge === undefined) return table.snapshot();
  merge.step(Number.POSITIVE_INFINITY);
  table.adopt(merge);
  return new RunDelta(table.floor, merge.made!);
}
