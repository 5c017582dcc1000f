import type { RawRecord } from "../../lib/connectors/replication/raw-record.ts";

/** Of records some of which came again: each name once, where it came first. */
export function firsts<One extends RawRecord>(all: readonly One[]): readonly One[] {
  const byName = new Map<string, One>();
  for (const one of all) if (!byName.has(one.origin.id)) byName.set(one.origin.id, one);
  return [...byName.values()];
}
