import { objectsOf } from "./json-rows.ts";

/** What a row's partition is made of: names of keys, and the row's field for each. */
export type PartitionQuery = ReadonlyMap<string, string>;

/** Rows of one record that belong into one partition. */
export interface PartitionedRows {
  readonly values: Readonly<Record<string, string>>;
  readonly rows: readonly string[];
}

/** The most objects that a record may consist of where they are taken apart. */
const mostRows = 500;

/**
 * A jq object whose values are fields: `{date:.event_date}`. Other queries are not run.
 *
 * @returns undefined for another query
 */
export function partitionQuery(text: string): PartitionQuery | undefined {
  const [, inside] = /^\s*\{(.*)\}\s*$/.exec(text) ?? [];
  if (inside === undefined) return undefined;
  const query = new Map<string, string>();
  for (const part of inside.split(",")) {
    const [, key, field] = /^\s*"?(\w+)"?\s*:\s*\.(\w+)\s*$/.exec(part) ?? [];
    if (key === undefined || field === undefined) return undefined;
    query.set(key, field);
  }
  return query;
}

/** Takes a record apart by its rows' partitions. @returns the reason where that is not possible */
export function partitionsOf(data: Buffer, query: PartitionQuery): readonly PartitionedRows[] | string {
  const partitions = new Map<string, { values: Record<string, string>; rows: string[] }>();
  let count = 0;
  for (const object of objectsOf(data.toString())) {
    if (typeof object !== "string") return object.reason;
    if (++count > mostRows) return `a record of more than ${mostRows} objects is not taken apart`;
    let row: Readonly<Record<string, unknown>>;
    try {
      row = JSON.parse(object) as Readonly<Record<string, unknown>>;
    } catch (error) {
      return error instanceof Error ? error.message : String(error);
    }
    const values: Record<string, string> = {};
    for (const [key, field] of query) {
      const value = row[field];
      if (!["string", "number", "boolean"].includes(typeof value) || value === "")
        return `partitionKeys values must not be null or empty: ${key}`;
      values[key] = String(value);
    }
    const name = JSON.stringify(values);
    const known = partitions.get(name) ?? { values, rows: [] };
    partitions.set(name, known);
    known.rows.push(object);
  }
  return [...partitions.values()];
}
