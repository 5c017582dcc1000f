import { messageOf, systemicError } from "../../errors.ts";
import { keyCodeIn } from "../../state/entry-key.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import type { VersionedShape } from "../../state/versions.ts";
import type { PartOrigins } from "../evolution/part-origins.ts";
import type { EvolvingShape, StatePart } from "../evolution/state-shape.ts";
import type { TableDescription } from "../stateful.ts";
import { historyOf } from "./row-versions.ts";
import type { JoinSpec } from "./temporal-join.ts";
import { waitingOf } from "./waiting-records.ts";

/** The tables of a join's state. */
export function joinTables({ name, table, keyFields, versions }: JoinSpec): readonly TableDescription[] {
  const by = `by ${keyFields.join()}`;
  const record = partOf("record", versions);
  const row = partOf("row", table.versions);
  const versionsOfRows = (of: string): TableDescription => ({
    name: of,
    shape: shapeOf(`join/1 ${by}`, row),
    keyFields,
    keyCodeOf: (key) => key,
    restore: (delta, from) => restored(name, delta, (stored) => restoreVersion(stored, from)),
  });
  return [
    { ...versionsOfRows(name), restoreEntry: (stored) => entry(name, () => restoreVersion(stored, undefined)) },
    versionsOfRows(historyOf(name)),
    {
      name: waitingOf(name),
      // A record in a dead letter has its row with it.
      shape: shapeOf(`waiting/1 ${by}`, record, row),
      keyFields,
      keyCodeOf: keyCodeIn,
      restore: (delta, from) => restored(name, delta, (stored) => restoreRecord(stored, from)),
      restoreEntry: (stored) => entry(name, () => restoreRecord(stored, undefined)),
    },
  ];
}

const partOf = (name: string, versions: VersionedShape): StatePart => ({
  name,
  shape: versions.text,
  wayFrom: (stored) => versions.wayFrom(stored),
});

const shapeOf = (fixed: string, ...parts: readonly StatePart[]): EvolvingShape => ({
  fixed,
  version: 1,
  parts,
  changes: new Map(),
  isSparse: false,
});

const migrated = (stored: unknown, from: PartOrigins | undefined): unknown => {
  const migrate = from?.origins[0]?.migrate;
  return migrate === undefined ? stored : migrate(stored);
};

function restoreRecord(stored: unknown, from: PartOrigins | undefined): unknown {
  if (!Array.isArray(stored) || stored.length !== 1) throw new TypeError("it is no record");
  return [migrated(stored[0], from)];
}

function restoreVersion(stored: unknown, from: PartOrigins | undefined): unknown {
  if (!Array.isArray(stored) || stored.length < 3 || stored.length > 4)
    throw new TypeError("it is no version of a row");
  const [time, order, tie] = stored as unknown[];
  if (!Number.isSafeInteger(time) || typeof tie !== "string") throw new TypeError("it is no version of a row");
  return stored.length === 3 ? stored : [time, order, tie, migrated(stored[3], from)];
}

/** @throws systemic error `state/join` */
function restored(operator: string, delta: TableDelta, restore: (stored: unknown) => unknown): TableDelta {
  const put = delta.put.map(
    ([space, keys, values]) => [space, keys, values.map((stored) => entry(operator, () => restore(stored)))] as const,
  );
  return { ...delta, put };
}

function entry(operator: string, restore: () => unknown): unknown {
  try {
    return restore();
  } catch (cause) {
    throw systemicError({
      code: "state/join",
      message: `The state of operator "${operator}" holds what this build cannot read: ${messageOf(cause)}.`,
      advice: "Deploy the pipeline as it was, or give the join, or its table, a migration that takes it.",
      cause,
    });
  }
}
