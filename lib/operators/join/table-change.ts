import { poisonError } from "../../errors.ts";
import type { KeySpec } from "../../state/key.ts";
import type { VersionedShape } from "../../state/versions.ts";

declare const rowType: unique symbol;
declare const keyType: unique symbol;

/** A stream of changes as a table of rows `V` by a key `K`: each row with the versions that it had. */
export interface VersionedTable<out V, K> {
  readonly kind: "versionedTable";
  readonly name: string;
  readonly [rowType]?: () => V;
  readonly [keyType]?: (key: K) => K;
}

/** What decides between versions of one row and one time: the greater one is newer, and any is newer than none. */
export type VersionOrder = string | number | bigint;

/** A table as the runtime knows it. */
export interface TableSpec {
  readonly name: string;
  /** Of a change's key, or of a value. */
  readonly key: KeySpec<never>;
  /** Where values are no changes: the row, or undefined where it is there no more. */
  readonly row: ((value: never) => unknown) | undefined;
  readonly order: ((value: never) => VersionOrder) | undefined;
  /** Milliseconds of event time that a removal is known. */
  readonly keepRemoved: number;
  /** What stored rows must agree with, or lead to. */
  readonly versions: VersionedShape;
  /** The version of rows that are sent. */
  readonly version: number;
}

/** What versions of a table's rows are named by. */
export const TABLE_ROW = "row";

/** What a value says of one row. */
export interface RowChange {
  /** What the table's key is taken of. */
  readonly of: unknown;
  /** Undefined for a row that is there no more. */
  readonly row: { readonly is: unknown } | undefined;
  readonly order: VersionOrder | null;
}

/** A change of a row, as `lib/formats/change` has them; the formats are not known here. */
interface Change {
  readonly op: "insert" | "read" | "update" | "delete";
  readonly key: unknown;
  readonly keyBefore?: unknown;
  readonly after?: unknown;
  readonly position?: string;
}

const CHANGES: ReadonlySet<unknown> = new Set(["insert", "read", "update", "delete"]);
const NOTICES: ReadonlySet<unknown> = new Set(["message", "transaction", "heartbeat", "schema", "tombstone"]);

/**
 * What a value of the stream says of the table's rows: none where it is a notice of something else.
 *
 * @throws poison errors `table/truncate`, `table/no-change`
 */
export function rowChangesOf(spec: TableSpec, value: unknown): readonly RowChange[] {
  const { name, row: rowOf, order: orderOf } = spec;
  const ordered = (otherwise: VersionOrder | undefined) =>
    orderOf === undefined ? (otherwise ?? null) : checkedOrder(name, orderOf(value as never));
  if (rowOf !== undefined) {
    const row = rowOf(value as never);
    return [{ of: value, row: row === undefined ? undefined : { is: row }, order: ordered(undefined) }];
  }
  const { op } = (value ?? {}) as { readonly op?: unknown };
  if (NOTICES.has(op)) return [];
  if (op === "truncate") throw truncated(name);
  if (!CHANGES.has(op)) throw noChange(name);
  const { key, keyBefore, after, position } = value as Change;
  const order = ordered(position);
  const moved = keyBefore === undefined ? [] : [{ of: keyBefore, row: undefined, order }];
  return [...moved, { of: key, row: op === "delete" ? undefined : { is: after }, order }];
}

function checkedOrder(name: string, order: unknown): VersionOrder {
  if (typeof order === "string" || typeof order === "bigint") return order;
  if (typeof order === "number" && Number.isFinite(order)) return order;
  throw poisonError({
    code: "table/order",
    message: `toTable("${name}"): order gave ${order === null ? "null" : `a ${typeof order}`}.`,
    advice: "It gives texts, finite numbers or bigints.",
  });
}

const truncated = (name: string) =>
  poisonError({
    code: "table/truncate",
    message: `All rows of what toTable("${name}") is made of were removed at once (truncate): which they were, no one says.`,
    advice: "Delete rows with DELETE, or fill the table anew under another name.",
  });

const noChange = (name: string) =>
  poisonError({
    code: "table/no-change",
    message: `toTable("${name}") was given a value that is no change of a row.`,
    advice: "Say with row: (value) => … what the row is.",
  });

/** Orders of one table are mostly of one type; where they are not, the types decide. */
export function compareOrders(a: VersionOrder | null, b: VersionOrder | null): number {
  if (a === null || b === null) return Number(a !== null) - Number(b !== null);
  const isText = (order: VersionOrder) => Number(typeof order === "string");
  if (isText(a) !== isText(b)) return isText(a) - isText(b);
  return a < b ? -1 : a > b ? 1 : 0;
}
