import { randomInt, randomUUID } from "node:crypto";
import type { DecodedArray, SchemaElement } from "hyparquet";
import { parquetWriteBuffer } from "hyparquet-writer";
import type { Column } from "../columns.ts";
import type { IcebergSettings } from "./iceberg-settings.ts";
import {
  DATA,
  EQUALITY_DELETES,
  writeManifest,
  writeManifestList,
  type Commit,
  type ManifestFile,
  type TableFile,
} from "./manifests.ts";
import type { Snapshot, TableState } from "./table-state.ts";
import { keyPlaces, plansOf, type Merge, type TableRow } from "./merge-records.ts";

/** An object of S3. */
export interface TableObject {
  /** Below the table's location. */
  readonly path: string;
  readonly bytes: Uint8Array;
}

/** Iceberg's types of the catalogue's. */
const TYPES: Readonly<Record<string, string>> = {
  string: "string",
  varchar: "string",
  char: "string",
  tinyint: "int",
  smallint: "int",
  int: "int",
  integer: "int",
  bigint: "long",
  float: "float",
  double: "double",
  boolean: "boolean",
  timestamp: "timestamp",
  date: "date",
};

const typeOf = ({ type }: Column): string => TYPES[type.trim().toLowerCase().split("(")[0]!] ?? type;

/**
 * One commit of a table: a data file, the ids of the rows that it takes the place of as a file of equality deletes, and
 * metadata that say so. Deletes act on files of commits before theirs, so that the new rows stay.
 *
 * @returns the objects to write, the pointer to the new metadata last
 */
export function commitTo(
  before: TableState,
  { rows, keys }: Merge,
  settings: IcebergSettings,
  now: number,
): { readonly state: TableState; readonly objects: readonly TableObject[] } {
  const { location, columns } = settings;
  const plans = plansOf(settings);
  const places = keyPlaces(settings);
  const schema = {
    type: "struct",
    "schema-id": 0,
    "identifier-field-ids": [],
    fields: columns.map((column, i) => ({ id: i + 1, name: column.name, required: false, type: typeOf(column) })),
  };
  const snapshotId = randomInt(1, 2 ** 47);
  const commit: Commit = { snapshotId, sequence: before.sequence + 1, schema: JSON.stringify(schema) };
  const objects: TableObject[] = [];
  const manifests: ManifestFile[] = [...before.manifests];
  const add = (content: TableFile["content"], values: readonly TableRow[], ids: readonly number[]) => {
    if (values.length === 0) return;
    const elements = ids.map((id) => ({ ...plans[id - 1]!.element, name: plans[id - 1]!.name, field_id: id }));
    const bytes = parquetOf(elements, values);
    const path = `data/${randomUUID()}${content === DATA ? "" : "-deletes"}.parquet`;
    const file: TableFile = {
      content,
      file_path: `${location}/${path}`,
      record_count: values.length,
      file_size_in_bytes: bytes.length,
      equality_ids: content === DATA ? null : ids,
    };
    const manifest = { path: `metadata/${randomUUID()}-m0.avro`, bytes: writeManifest(file, commit) };
    objects.push({ path, bytes }, manifest);
    manifests.push({
      manifest_path: `${location}/${manifest.path}`,
      manifest_length: manifest.bytes.length,
      content: content === DATA ? 0 : 1,
      sequence_number: commit.sequence,
      added_snapshot_id: snapshotId,
      added_rows_count: values.length,
    });
  };
  add(
    DATA,
    rows,
    Array.from(columns, (_, i) => i + 1),
  );
  add(
    EQUALITY_DELETES,
    keys,
    Array.from(places, (place) => place + 1),
  );
  const parent = before.snapshots.at(-1)?.["snapshot-id"];
  const list = `metadata/snap-${snapshotId}-1-${randomUUID()}.avro`;
  objects.push({ path: list, bytes: writeManifestList(manifests, commit, parent) });
  const snapshot: Snapshot = {
    "snapshot-id": snapshotId,
    ...(parent === undefined ? {} : { "parent-snapshot-id": parent }),
    "sequence-number": commit.sequence,
    "timestamp-ms": now,
    "manifest-list": `${location}/${list}`,
    "schema-id": 0,
    summary: { operation: keys.length === 0 ? "append" : "overwrite" },
  };
  const snapshots = [...before.snapshots, snapshot];
  const metadata = {
    "format-version": 2,
    "table-uuid": before.uuid,
    location,
    "last-sequence-number": commit.sequence,
    "last-updated-ms": now,
    "last-column-id": columns.length,
    "current-schema-id": 0,
    schemas: [schema],
    "default-spec-id": 0,
    "partition-specs": [{ "spec-id": 0, fields: [] }],
    "last-partition-id": 999,
    "default-sort-order-id": 0,
    "sort-orders": [{ "order-id": 0, fields: [] }],
    properties: {},
    "current-snapshot-id": snapshotId,
    refs: { main: { "snapshot-id": snapshotId, type: "branch" } },
    snapshots,
    "snapshot-log": snapshots.map((one) => ({
      "snapshot-id": one["snapshot-id"],
      "timestamp-ms": one["timestamp-ms"],
    })),
    "metadata-log": [],
  };
  objects.push(
    { path: `metadata/v${commit.sequence}.metadata.json`, bytes: Buffer.from(JSON.stringify(metadata)) },
    // In the catalogue's place: Glue keeps it as the table's parameter `metadata_location`.
    { path: "metadata/version-hint.text", bytes: Buffer.from(String(commit.sequence)) },
  );
  return { state: { uuid: before.uuid, sequence: commit.sequence, snapshots, manifests }, objects };
}

function parquetOf(elements: readonly SchemaElement[], rows: readonly TableRow[]): Uint8Array {
  const columnData = elements.map(({ name }, i) => ({ name, data: rows.map((row) => row[i]) as DecodedArray }));
  const schema = [{ name: "table", num_children: elements.length }, ...elements];
  return new Uint8Array(parquetWriteBuffer({ columnData, schema, codec: "SNAPPY" }));
}
