import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError, messageOf, MillraceError, poisonError } from "../errors.ts";
import type { Column, Columns, RowOf } from "../pipeline/column.ts";
import { checkField, checkName } from "../pipeline/names.ts";
import type { SinkDeclaration } from "../pipeline/sink.ts";
import { validate } from "../schema.ts";
import { wholeText } from "../state/cut-text.ts";
import { COLUMN_TEXT, numberOf, parsedRow } from "./column-text.ts";
import { rowCutter } from "./row-cutter.ts";

/** The field, attribute or header that carries each row's id (X8). */
export const OUTPUT_ID = "output_id";

/** What the rows of a sink are: columns, for plain fields; or a Standard Schema, for whatever its readers take. */
export type RowShape = Columns | StandardSchemaV1;

/** The rows that fit a shape: of a schema what it takes, as JSON has it. */
export type RowFor<S> = S extends StandardSchemaV1
  ? StandardSchemaV1.InferInput<S>
  : S extends Columns
    ? RowOf<S>
    : never;

/** What is settled about a row besides its text while it is folded, as user code says so: it is the same at every attempt (X4). */
export type Head = Readonly<Record<string, string>>;

/** What is particular to a connector's rows. */
export interface RowSettings {
  /** The connector's name, and its function's: `queue`. */
  readonly connector: string;
  readonly name: string;
  readonly shape: RowShape;
  /** What one output may take, in bytes of UTF-8. */
  readonly maxBytes: number;
  /** Whether the row's text carries its id as a field, where the system has no other place for it. */
  readonly idInRow?: boolean;
  /** User code: what it throws is this row's fault. Nothing where the text of the row is all there is. */
  readonly headOf?: ((row: never) => Head) | undefined;
}

/**
 * Declares a sink of JSON objects. An output's body is the row's JSON; before it, on a line of its own, its head, if it has one.
 *
 * @throws definition errors `name/invalid`, `sink/shape`
 */
export function declareRows({ connector, name, shape, maxBytes, idInRow, headOf }: RowSettings): SinkDeclaration {
  const what = `${connector}("${name}")`;
  checkName(`A ${connector}`, name);
  const cut = isSchema(shape) ? undefined : columnsCutter(what, checkedColumns(what, shape, idInRow === true));
  const encodeRow =
    cut === undefined
      ? schemaEncoder(what, shape as StandardSchemaV1, idInRow === true)
      : (row: Row) => wholeText(cut(row));
  const columns = isSchema(shape) ? [] : Object.entries(shape);
  return {
    kind: "sink",
    connector,
    name,
    ...(headOf === undefined && cut !== undefined && { cut }),
    encode: (row: never) => {
      const text = encodeRow(row);
      if (headOf === undefined) return text;
      return `${JSON.stringify(headOf(row))}\n${text}`;
    },
    decode: (body) => rowOf(columns, partsOf(body).row),
    maxBytes,
  };
}

/** An output's body, taken apart. */
export function partsOf(body: string): { readonly head: Head; readonly row: string } {
  const end = body.indexOf("\n"); // JSON has none of its own
  if (end < 0) return { head: {}, row: body };
  return { head: JSON.parse(body.slice(0, end)) as Head, row: body.slice(end + 1) };
}

/** The row's text with its id in front. */
export const withId = (id: string, row: string): string =>
  `{"${OUTPUT_ID}":${JSON.stringify(id)}${row === "{}" ? "" : ","}${row.slice(1)}`;

/** What a user's function says of a row, as a text. @throws poison error `sink/row` for what is none */
export function textFrom(what: string, field: string, value: unknown): string {
  if (typeof value === "string") return value;
  throw poisonError({
    code: "sink/row",
    message: `The ${field} of a row for ${what} is ${named(value)}, and no text.`,
  });
}

const isSchema = (shape: RowShape): shape is StandardSchemaV1 => "~standard" in shape;

/** Characters that some systems refuse or replace, and JSON can do without: lone halves of pairs, and pairs, and non-characters. */
const ESCAPED = /[\ud800-\udfff\ufffe\uffff]/g;

const escaped = (json: string): string => json.replaceAll(ESCAPED, (unit) => `\\u${unit.charCodeAt(0).toString(16)}`);

type Row = Readonly<Record<string, unknown>>;

const columnsCutter = (what: string, columns: readonly (readonly [string, Column<unknown>])[]) =>
  rowCutter(
    columns.map(([field, { type, nullable }]) => ({
      ...{ field, name: field, nullable },
      write(value) {
        const text = COLUMN_TEXT[type](value);
        if (text !== undefined) return type === "string" ? escaped(text) : text;
        const message = `A row for ${what} has a field "${field}" that does not fit a column of type ${type}: ${named(value)}.`;
        throw poisonError({ code: "sink/row", message });
      },
    })),
  );

/** What is sent is what the schema takes once it was JSON: what its readers get. */
function schemaEncoder(what: string, schema: StandardSchemaV1, idInRow: boolean) {
  const misfit = (why: string, cause?: unknown) =>
    poisonError({ code: "sink/row", message: `A row for ${what} ${why}.`, cause });
  return (row: Row): string => {
    let json: string | undefined;
    try {
      json = JSON.stringify(row);
    } catch (cause) {
      throw misfit(`has no JSON: ${messageOf(cause)}`, cause);
    }
    if (json?.startsWith("{") !== true) throw misfit("is no object");
    try {
      validate(schema, JSON.parse(json));
    } catch (cause) {
      if (!(cause instanceof MillraceError) || cause.kind !== "poison") throw cause;
      throw misfit(`does not fit its schema: ${cause.message}`, cause);
    }
    if (idInRow && Object.hasOwn(row, OUTPUT_ID)) throw misfit(`has a field "${OUTPUT_ID}", where its id belongs`);
    return escaped(json);
  };
}

function checkedColumns(what: string, columns: Columns, idInRow: boolean) {
  const declared = Object.entries(columns);
  for (const [field] of declared) checkField(what, field);
  const problem =
    declared.length === 0
      ? "it has no columns"
      : idInRow && Object.hasOwn(columns, OUTPUT_ID)
        ? `"${OUTPUT_ID}" is where a row's id belongs`
        : undefined;
  if (problem === undefined) return declared;
  throw definitionError({
    code: "sink/shape",
    message: `${what}: ${problem}.`,
    advice: "Give it columns, or a Standard Schema.",
  });
}

/** The row again; bigints beyond 2^53 come back as such where columns say so. */
function rowOf(columns: readonly (readonly [string, Column<unknown>])[], json: string): Row {
  const whole = new Set(columns.filter(([, { type }]) => type === "bigint").map(([field]) => field));
  if (whole.size === 0) return JSON.parse(json) as Row;
  const values = parsedRow(json);
  for (const [field, { type }] of columns) {
    const value = values[field];
    if (type === "string" || typeof value !== "string") continue;
    values[field] = numberOf(type, value);
  }
  return values;
}

const named = (value: unknown): string =>
  typeof value === "number" || value === null || value === undefined ? String(value) : `a ${typeof value}`;
