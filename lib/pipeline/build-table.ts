import { TABLE_ROW, type TableSpec, type VersionedTable, type VersionOrder } from "../operators/join/table-change.ts";
import type { KeySpec } from "../state/key.ts";
import { VersionedShape, type Versioned } from "../state/versions.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import type { Builder } from "./builder.ts";
import { checkField } from "./names.ts";

export const TABLE = Symbol("table");

/** A table while its pipeline is built. */
export interface BuiltTable extends VersionedTable<never, never> {
  readonly [TABLE]: {
    readonly builder: Builder;
    /** The index of its `keyBy`. */
    readonly node: number;
    readonly keyFields: readonly string[];
    readonly spec: TableSpec;
  };
}

export interface AnyTableOptions extends Versioned {
  readonly key: KeySpec<never>;
  readonly row?: (value: never) => unknown;
  readonly order?: (value: never) => VersionOrder;
  readonly keepRemoved?: Duration;
}

/** Makes a table of what comes after a node. @throws definition errors naming it */
export function buildTable(builder: Builder, input: number, name: string, options: AnyTableOptions): BuiltTable {
  const what = `${builder.where}: toTable("${name}")`;
  const { key = {}, row, order } = options ?? {};
  const keyFields = Object.keys(key);
  if (keyFields.length === 0) {
    throw builder.refuse(`toTable("${name}")`, "has no key", "Say by what joins find its rows: key: { id: … }.");
  }
  for (const field of keyFields) {
    checkField(what, field);
    builder.function("toTable", `${name}.key.${field}`, key[field]);
  }
  const spec: TableSpec = {
    name,
    key,
    row: row && builder.function("toTable", `${name}.row`, row),
    order: order && builder.function("toTable", `${name}.order`, order),
    keepRemoved: toPositiveMillis(options.keepRemoved ?? { days: 7 }, `${what}.keepRemoved`),
    versions: new VersionedShape(what, TABLE_ROW, options),
    version: options.version ?? 1,
  };
  const node = builder.add({ kind: "keyBy", name, input, key, keyFields, preAggregate: false, table: spec });
  return { kind: "versionedTable", name, [TABLE]: { builder, node, keyFields, spec } };
}
