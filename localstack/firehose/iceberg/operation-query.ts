/** What a record's values are made of, by their names: a text, or a field of the record. */
export type OperationQuery = ReadonlyMap<string, { readonly text: string } | { readonly field: string }>;

export type Operation = "insert" | "update" | "delete";

/** Where a record belongs, and what becomes of the row that has its key. */
export interface Routed {
  readonly database: string | undefined;
  readonly table: string | undefined;
  readonly operation: Operation;
}

const VALUE = /\s*"?(\w+)"?\s*:\s*(?:"([^"\\]*)"|\.(\w+))\s*(?:,|$)/y;

/**
 * A jq object whose values are texts and fields: `{operation:"update",destinationTableName:.table}`. Other queries are not run.
 *
 * @returns undefined for another query
 */
export function operationQuery(text: string): OperationQuery | undefined {
  const [, inside] = /^\s*\{(.*)\}\s*$/.exec(text) ?? [];
  if (inside === undefined) return undefined;
  const query = new Map<string, { readonly text: string } | { readonly field: string }>();
  VALUE.lastIndex = 0;
  while (VALUE.lastIndex < inside.length) {
    const [, name, value, field] = VALUE.exec(inside) ?? [];
    if (name === undefined) return undefined;
    query.set(name, field === undefined ? { text: value ?? "" } : { field });
  }
  return query;
}

/** @returns the reason where a record cannot be routed */
export function route(query: OperationQuery, row: Readonly<Record<string, unknown>>): Routed | string {
  const valueOf = (name: string): unknown => {
    const part = query.get(name);
    return part === undefined ? undefined : "text" in part ? part.text : row[part.field];
  };
  const [database, table, operation = "insert"] = [
    valueOf("destinationDatabaseName"),
    valueOf("destinationTableName"),
    valueOf("operation") ?? undefined,
  ];
  if (operation !== "insert" && operation !== "update" && operation !== "delete")
    return `the operation is ${JSON.stringify(operation)}, not insert, update or delete`;
  const texts = [database, table].map((value) => (value === undefined ? undefined : String(value as string)));
  return { database: texts[0], table: texts[1], operation };
}
