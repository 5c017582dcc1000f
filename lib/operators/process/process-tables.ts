import { messageOf, systemicError } from "../../errors.ts";
import { validate } from "../../schema.ts";
import { keyCodeIn, partIn } from "../../state/entry-key.ts";
import type { TableDelta } from "../../state/keyed-table.ts";
import { storableCopy } from "../../state/storable.ts";
import { wayFromShape } from "../../state/versions.ts";
import type { PartOrigins } from "../evolution/part-origins.ts";
import { fixedShape, type EvolvingShape, type PartsChange, type StatePart } from "../evolution/state-shape.ts";
import { expiryTableOf } from "../expiring-entries.ts";
import type { EntryRestorer, TableDescription } from "../stateful.ts";
import type { CellDeclaration, CellDeclarations } from "./cell.ts";
import { operatorTableOf, uniteCells } from "./operator-state.ts";
import type { ProcessSpec } from "./process-operator.ts";
import { timerTableOf } from "./timers.ts";

/** The tables of a process function's state. */
export function processTables(spec: ProcessSpec): readonly TableDescription[] {
  const { name, keyFields, definition } = spec;
  const { operatorState: own } = definition;
  const by = `by ${keyFields.join()}`;
  const table = (of: string, shape: EvolvingShape, restore: TableDescription["restore"] = (delta) => delta) =>
    ({ name: of, shape, keyFields, keyCodeOf: keyCodeIn, restore }) satisfies TableDescription;
  const timersOf = (domain: "event" | "processing") =>
    table(
      timerTableOf(name, domain),
      { ...sparse(spec, `timers/1 ${by}`, timerParts(spec, domain), ofTimer), saidAs: (timer) => TIMERS + timer },
      withoutRemoved,
    );
  return [
    {
      ...table(name, sparse(spec, `process/1 ${by}`, cellParts(definition.state), ofCell), (delta, from) =>
        restoreCells(name, definition.state, delta, from),
      ),
      restoreEntry: cellRestorer(name, definition.state),
      isOwn: true,
    },
    {
      ...table(
        operatorTableOf(name),
        { ...sparse(spec, "operator/1", cellParts(own), ofOwnCell), saidAs: (cell) => OWN + cell },
        (delta, from) => restoreCells(name, own, delta, from),
      ),
      unite: (delta, position) => uniteCells(name, own, delta, position),
    },
    table(expiryTableOf(name), fixedShape(`expiry/1 ${by}`)),
    timersOf("event"),
    timersOf("processing"),
  ];
}

const TIMER = "timer/1";
const ofPrefix = (prefix: string) => (removed: string) =>
  removed.startsWith(prefix) ? [removed.slice(prefix.length)] : [];
const TIMERS = "timers.";
const OWN = "operatorState.";
const ofTimer = ofPrefix(TIMERS);
const ofOwnCell = ofPrefix(OWN);
const ofCell = (removed: string) => (removed.includes(".") ? [] : [removed]);

const cellParts = (cells: CellDeclarations): readonly StatePart[] =>
  Object.entries(cells).map(([name, { versions }]) => ({
    name,
    shape: versions.text,
    wayFrom: (stored) => versions.wayFrom(stored),
  }));

/** @param named which parts of the table a removal of the operator's means */
function sparse(
  { definition: { evolution } }: ProcessSpec,
  fixed: string,
  parts: readonly StatePart[],
  named: (removed: string) => readonly string[],
): EvolvingShape {
  const changes = [...evolution.changes].map(
    ([version, { removed = [] }]) => [version, { removed: removed.flatMap(named) }] satisfies [number, PartsChange],
  );
  return { fixed, version: evolution.version, parts, changes: new Map(changes), isSparse: true };
}

const timerParts = ({ definition: { timers } }: ProcessSpec, of: "event" | "processing"): readonly StatePart[] =>
  Object.entries(timers).flatMap(([name, { domain }]) =>
    domain === of ? [{ name, shape: TIMER, wayFrom: (stored: string) => wayFromShape(TIMER, stored) }] : [],
  );

/** A table without the entries of parts that were taken out. */
function withoutRemoved(delta: TableDelta, from?: PartOrigins): TableDelta {
  if (from === undefined || from.removed.size === 0) return delta;
  const put = delta.put.map(([space, keys, values]) => {
    const kept = keys.flatMap((key, i) => (from.removed.has(partIn(key).part) ? [] : [i]));
    return [space, kept.map((i) => keys[i]!), kept.map((i) => values[i])] as const;
  });
  return { ...delta, put: put.filter(([, keys]) => keys.length > 0) };
}

/** @throws systemic error `state/cell` naming operator and cell */
function restoreCells(name: string, cells: CellDeclarations, delta: TableDelta, from?: PartOrigins): TableDelta {
  const restored = cellRestorer(name, cells, from);
  const put = withoutRemoved(delta, from).put.map(
    ([space, keys, values]) => [space, keys, values.map((value, i) => restored(value, keys[i]!))] as const,
  );
  return { ...delta, put };
}

function cellRestorer(name: string, cells: CellDeclarations, from?: PartOrigins): EntryRestorer {
  const places = new Map(Object.keys(cells).map((cell, i) => [cell, i]));
  return (value, key) => {
    const { part, entry } = partIn(key);
    const at = places.get(part);
    if (at === undefined) throw refused(name, part, "has an entry that this build does not know");
    return restoreEntry(name, part, cells[part]!, entry, value, from?.origins[at]?.migrate);
  };
}

function restoreEntry(
  operator: string,
  part: string,
  { kind, schema }: CellDeclaration,
  entry: string | undefined,
  stored: unknown,
  migrate: ((stored: unknown) => unknown) | undefined,
): unknown {
  if (!Array.isArray(stored) || stored.length < 1 || stored.length > 2) throw refused(operator, part, "is no entry");
  const [value, expires] = stored as [unknown, unknown?];
  if (stored.length === 2 && typeof expires !== "number") throw refused(operator, part, "expires at no time");
  // A list's head is the number of its next element.
  const isHead = kind === "list" && entry === undefined;
  if (isHead && Number.isSafeInteger(value)) return stored;
  try {
    if (isHead) throw new TypeError("its length is no number");
    // A copy: what a schema gives may be frozen in part, or be user code's own.
    const checked = storableCopy(
      validate(schema, migrate === undefined ? value : migrate(value)),
      `The state "${part}"`,
    );
    return stored.length === 2 ? [checked, expires] : [checked];
  } catch (cause) {
    const whose = migrate === undefined ? "its schema refuses" : "its migration, or the schema after it, refuses";
    throw refused(operator, part, `holds what ${whose}: ${messageOf(cause)}`, cause);
  }
}

const refused = (operator: string, cell: string, how: string, cause?: unknown) =>
  systemicError({
    code: "state/cell",
    message: `The state "${cell}" of operator "${operator}" ${how}.`,
    advice: "Deploy the process function as it was, or raise the state's version and give it a migration.",
    cause,
  });
