import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import { poisonError, type MillraceError } from "../../errors.ts";
import type { ColumnType } from "../../pipeline/column.ts";
import type { KeyValues } from "../../state/key.ts";
import { MAX_INSTANT } from "../../time/instant.ts";
import { isBigint, numberOf } from "../column-text.ts";
import { keyAttributeOf } from "../dynamodb-table/table-key.ts";
import { REMOVED } from "./version.ts";

export type Item = Record<string, AttributeValue>;
export type Row = Readonly<Record<string, unknown>>;

/** A declared column; its field is the attribute's name. */
export interface ViewColumn {
  readonly field: string;
  readonly type: ColumnType;
  readonly nullable: boolean;
}

/** What rows of a view are made of. */
export interface ViewShape {
  readonly name: string;
  /** The partition key, and the sort key if there is one. */
  readonly key: readonly ViewColumn[];
  readonly columns: readonly ViewColumn[];
  /** The column that says what is newer; undefined where the task's commits say so. */
  readonly version: string | undefined;
}

/** AWS: Constraints in DynamoDB, "Sort keys". */
const MAX_SORT_KEY_BYTES = 1_024;

/** A value as an attribute; undefined where it does not fit. */
const ATTRIBUTE: Readonly<Record<ColumnType, (value: unknown) => AttributeValue | undefined>> = {
  // Lone surrogates have no UTF-8.
  string: (value) => (typeof value === "string" && value.isWellFormed() ? { S: value } : undefined),
  bigint: (value) => (isBigint(value) ? { N: String(value) } : undefined),
  // DynamoDB's numbers end at 10^126 and begin at 10^-130.
  double: (value) => (typeof value === "number" && Number.isFinite(value) ? keyAttributeOf(value) : undefined),
  boolean: (value) => (typeof value === "boolean" ? { BOOL: value } : undefined),
  timestamp: (value) =>
    Number.isInteger(value) && Math.abs(value as number) <= MAX_INSTANT ? { N: String(value) } : undefined,
};

/** A field of the key as an attribute; undefined for what no table can have as one. @param position 0 of the partition key, 1 of the sort key */
function keyAttribute({ type }: ViewColumn, position: number, value: unknown): AttributeValue | undefined {
  const attribute = ATTRIBUTE[type](value);
  if (attribute?.S === undefined) return attribute;
  if (position > 0 && Buffer.byteLength(attribute.S) > MAX_SORT_KEY_BYTES) return undefined;
  return keyAttributeOf(attribute.S);
}

/**
 * The attributes of a key, or of its first fields.
 *
 * @throws poison error `view/row` that names view and field
 */
export function keyItem(shape: ViewShape, row: Row, fields = shape.key.length): Item {
  const item: Item = {};
  shape.key.slice(0, fields).forEach((column, position) => {
    const attribute = keyAttribute(column, position, row[column.field]);
    if (attribute === undefined) throw misfit(shape, `a key "${column.field}"`, column.type, row[column.field]);
    item[column.field] = attribute;
  });
  return item;
}

/**
 * Makes of a row the JSON of its attributes; of one that says `removed: true`, of its key and version.
 *
 * The encoder throws poison errors: `view/row` for what does not fit, `view/key` for a row whose key is not its stream's.
 */
export function rowEncoder(shape: ViewShape): (row: Row, key?: KeyValues) => string {
  const { columns, version } = shape;
  return (row, key) => {
    if (version === undefined && key !== undefined) refuseOtherKey(shape, row, key);
    const item = keyItem(shape, row);
    const isRemoved = row[REMOVED_FIELD] === true;
    if (isRemoved) item[REMOVED] = { BOOL: true };
    for (const { field, type, nullable } of columns) {
      if (isRemoved && field !== version) continue;
      const value = row[field];
      if (value === undefined && nullable) continue;
      const attribute = ATTRIBUTE[type](value);
      if (attribute === undefined) throw misfit(shape, `a field "${field}"`, type, value);
      item[field] = attribute;
    }
    return JSON.stringify(item);
  };
}

/** The field by which a row says that its key is to be removed. */
export const REMOVED_FIELD = "removed";

/** Makes rows of what {@link rowEncoder} has written. */
export const rowDecoder =
  (shape: ViewShape) =>
  (body: string): Row => {
    const item = JSON.parse(body) as Item;
    return { ...rowOf(shape, item), ...(item[REMOVED] === undefined ? {} : { [REMOVED_FIELD]: true }) };
  };

/** The declared fields of an item. */
export function rowOf({ key, columns }: ViewShape, item: Item): Row {
  const row: Record<string, unknown> = {};
  for (const { field, type } of [...key, ...columns]) {
    const { S, N, BOOL } = item[field] ?? {};
    const value = S ?? BOOL ?? (N === undefined ? undefined : numberOf(type, N));
    if (value !== undefined) row[field] = value;
  }
  return row;
}

/** The row's own version. */
export function versionOf({ version }: ViewShape, item: Item): bigint | undefined {
  const digits = version === undefined ? undefined : item[version]?.N;
  return digits === undefined ? undefined : BigInt(digits);
}

/** Two tasks would write one key, and which of their rows is newer nobody could say. */
function refuseOtherKey(shape: ViewShape, row: Row, key: KeyValues): void {
  for (const field of Object.keys(key)) {
    // 1 and 1n are one key of a table.
    if (row[field] === key[field] || (isNumber(row[field]) && String(row[field]) === String(key[field]))) continue;
    throw poisonError({
      code: "view/key",
      message: `A row for view("${shape.name}") has another "${field}" than the key that its stream is partitioned by.`,
      advice: "Use keyBy with the view's own key before it, or give the view a version.",
    });
  }
}

const isNumber = (value: unknown): boolean => typeof value === "number" || typeof value === "bigint";

const misfit = ({ name }: ViewShape, what: string, type: string, value: unknown): MillraceError =>
  poisonError({
    code: "view/row",
    message: `A row for view("${name}") has ${what} that does not fit a column of type ${type}: ${
      typeof value === "number" || value === null || value === undefined ? String(value) : `a ${typeof value}`
    }.`,
  });
