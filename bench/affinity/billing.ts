import type { AttributeValue } from "@aws-sdk/client-dynamodb";
import type { Item } from "../../lib/dynamodb/items.ts";

/** Bytes. "Amazon DynamoDB Developer Guide", Read and write operations: a unit is 4 KB read, 1 KB written. */
const READ_UNIT = 4 * 1_024;
const WRITE_UNIT = 1_024;

/** Bytes that one page of a query holds at most. Same guide, Paginating table query results. */
export const PAGE_BYTES = 1_024 * 1_024;

/** Units of a consistent query that reads this many bytes of items: rounded up once, for all of them; at least one. */
export const readUnits = (bytes: number): number => Math.max(1, Math.ceil(bytes / READ_UNIT));

/** Units of a put or an update whose item has this many bytes. */
export const writeUnits = (bytes: number): number => Math.ceil(bytes / WRITE_UNIT);

/** An item's bytes as DynamoDB counts them: same guide, DynamoDB item sizes and formats. */
export const itemBytes = (item: Item): number =>
  Object.entries(item).reduce((sum, [name, value]) => sum + Buffer.byteLength(name) + valueBytes(value), 0);

function valueBytes(value: AttributeValue): number {
  if (value.S !== undefined) return Buffer.byteLength(value.S);
  if (value.N !== undefined) return Math.ceil(value.N.replaceAll(/\D|^0+|0+$/g, "").length / 2) + 1;
  if (value.B !== undefined) return value.B.length;
  if (value.L !== undefined) return 3 + value.L.reduce((sum, element) => sum + 1 + valueBytes(element), 0);
  throw new Error(`No rule for ${Object.keys(value).join()}`);
}
