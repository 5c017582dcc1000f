import { definitionError, type MillraceError } from "../../errors.ts";
import type { Column, Columns, RowOf } from "../../pipeline/column.ts";
import { checkField, checkName } from "../../pipeline/names.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { toMillis, type Duration } from "../../time/duration.ts";
import { REMOVED_FIELD, rowDecoder, rowEncoder, type ViewColumn, type ViewShape } from "./row.ts";

/** What makes a sink a view: a DynamoDB table of the current row of each key. */
export const VIEW = "view";

/** AWS: DynamoDB quotas, 400 KB an item, less what is kept beside the row: its id and version. */
const MAX_ROW_BYTES = 400 * 1_024 - 2_048;

/** As long as a commit is kept, out of which an older row could be delivered again. */
const KEEP_REMOVED_DAYS = 30;

/** Columns that a table can have as its key. */
export interface KeyColumns {
  readonly [field: string]: Column<string | number | bigint>;
}

/** The columns whose values are always there and whole numbers; that they are is checked when they are used. */
type VersionField<C> = {
  [F in keyof C & string]: C[F] extends Column<infer V> ? ([V] extends [number | bigint] ? F : never) : never;
}[keyof C & string];

export interface ViewOptions<K, C, V> {
  /** The table's key: of one column, or of two, by the second of which rows are listed in order. */
  readonly key: K;
  /** What else a row has. Not `removed`, which rows that remove a key have. */
  readonly columns: C;
  /**
   * The column by which of two rows of a key the newer is told: a whole number or a timestamp. Needed where several tasks
   * write one key. @default rows are in the order of the commits of the task that the key belongs to
   */
  readonly version?: V;
  /** How long it is remembered that a key was removed, thirty days or more. @default 30 days */
  readonly keepRemoved?: Duration;
}

export interface ViewDeclaration extends SinkDeclaration, ViewShape {
  /** Milliseconds. */
  readonly keepRemoved: number;
}

declare const rowAndKey: unique symbol;

/** Rows `R` by their keys `K`, as whoever reads them knows it. */
export interface ViewOf<out R, out K> extends ViewShape {
  readonly [rowAndKey]?: { readonly row: R; readonly key: K };
}

type Flat<T> = { [P in keyof T]: T[P] };

/** What is sent to a view: a row, or that a key is gone. */
type Written<R, K, V> =
  Flat<R & { readonly [REMOVED_FIELD]?: false }> | Flat<K & Pick<R, V & keyof R> & { readonly [REMOVED_FIELD]: true }>;

/** A view as a typed handle: of rows `R`, whose keys are `K`; `V` is the version's column. */
export interface View<R, K, V extends string = never>
  extends
    Sink<Written<R, K, V>>,
    ViewOf<R, K>,
    Omit<ViewDeclaration, keyof SinkDeclaration | keyof ViewShape | "keyedBy"> {
  readonly keyedBy: [V] extends [never] ? readonly (keyof K & string)[] : undefined;
}

/**
 * A DynamoDB table that has the current row of every key, whatever is delivered again, late or by two at a time. Fields are
 * attributes of the same name. A row that says `removed: true` takes its key out; it needs no column but a `version`.
 *
 * @example
 * const balances = view("balances", { key: { account: text }, columns: { balance: bigint, at: timestamp } });
 *
 * @throws definition errors `name/invalid`, `view/key`, `view/column`, `view/version`, `view/removed`, `time/duration`
 */
export function view<K extends KeyColumns, C extends Columns, V extends VersionField<C> = never>(
  name: string,
  { key, columns, version, keepRemoved = { days: KEEP_REMOVED_DAYS } }: ViewOptions<K, C, V>,
): View<RowOf<K & C>, RowOf<K>, V> {
  checkName("A view", name);
  const shape: ViewShape = { name, key: columnsOf(name, key), columns: columnsOf(name, columns), version };
  checkKey(shape);
  checkColumns(shape);
  const millis = toMillis(keepRemoved, `view("${name}").keepRemoved`);
  if (millis < KEEP_REMOVED_DAYS * 86_400_000) {
    throw refuse(
      "view/removed",
      `${of(name)} remembers for less than ${KEEP_REMOVED_DAYS} days what was removed`,
      `For so long a commit is kept, and an older row could come out of one: give it ${KEEP_REMOVED_DAYS} days or more.`,
    );
  }
  const declaration: ViewDeclaration = {
    ...shape,
    kind: "sink",
    connector: VIEW,
    keepRemoved: millis,
    encode: rowEncoder(shape),
    decode: rowDecoder(shape),
    maxBytes: MAX_ROW_BYTES,
    keyedBy: version === undefined ? shape.key.map(({ field }) => field) : undefined,
  };
  return declaration as never;
}

/** @returns whether a sink is a view */
export const isView = (sink: SinkDeclaration): sink is ViewDeclaration => sink.connector === VIEW;

function columnsOf(name: string, columns: Columns): readonly ViewColumn[] {
  return Object.entries(columns).map(([field, { type, nullable }]) => {
    checkField(of(name), field);
    return { field, type, nullable };
  });
}

function checkKey({ name, key }: ViewShape): void {
  if (key.length < 1 || key.length > 2) {
    throw refuse(
      "view/key",
      `${of(name)} has a key of ${key.length} columns`,
      "A table's key has one, or two: make one text of several.",
    );
  }
  const unfit = key.find(({ type, nullable }) => nullable || type === "boolean");
  if (unfit === undefined) return;
  const problem = unfit.nullable ? "may be missing" : "is a boolean";
  throw refuse("view/key", `${of(name)}: the key's column "${unfit.field}" ${problem}`, "Keys are texts or numbers.");
}

function checkColumns({ name, key, columns, version }: ViewShape): void {
  const fields = [...key, ...columns].map(({ field }) => field);
  const twice = fields.find((field, i) => fields.indexOf(field) !== i);
  if (twice !== undefined)
    throw refuse("view/column", `${of(name)}: "${twice}" is in its key and in its columns`, "Leave out one of them.");
  if (fields.includes(REMOVED_FIELD))
    throw refuse("view/column", `${of(name)} has a column "${REMOVED_FIELD}"`, "Rows that remove a key say so by it.");
  if (version === undefined) return;
  const column = columns.find(({ field }) => field === version);
  if (column !== undefined && !column.nullable && (column.type === "bigint" || column.type === "timestamp")) return;
  throw refuse(
    "view/version",
    `${of(name)}: "${version}" cannot be its version`,
    "It is a column outside of the key, bigint or timestamp, and is never missing.",
  );
}

const of = (name: string): string => `view("${name}")`;

const refuse = (code: string, problem: string, advice: string): MillraceError =>
  definitionError({ code, message: `${problem}.`, advice });
