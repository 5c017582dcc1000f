import type { Schema } from "avsc";
import { readAvro, writeAvro } from "./avro-file.ts";

/** What a file of a table holds, as Iceberg's specification numbers it. */
export const DATA = 0;
export const EQUALITY_DELETES = 2;

/** A file of a table, as a manifest tells it (Iceberg's specification, version 2, of which only what is needed). */
export interface TableFile {
  readonly content: typeof DATA | typeof EQUALITY_DELETES;
  readonly file_path: string;
  readonly record_count: number;
  readonly file_size_in_bytes: number;
  /** Of deletes: ids of the columns whose values they name. */
  readonly equality_ids: readonly number[] | null;
}

interface ManifestEntry {
  readonly sequence_number: number;
  readonly data_file: TableFile;
}

/** A manifest, as a snapshot's list tells it. */
export interface ManifestFile {
  readonly manifest_path: string;
  readonly manifest_length: number;
  readonly content: 0 | 1;
  readonly sequence_number: number;
  readonly added_snapshot_id: number;
  readonly added_rows_count: number;
}

const field = (id: number, name: string, type: Schema) => ({ "field-id": id, name, type });
const optional = (id: number, name: string, type: Schema) => ({
  ...field(id, name, ["null", type] as Schema),
  default: null,
});
const record = (name: string, fields: readonly object[]): Schema =>
  ({ type: "record", name, fields: [...fields] }) as Schema;

const ENTRY = record("manifest_entry", [
  field(0, "status", "int"),
  optional(1, "snapshot_id", "long"),
  optional(3, "sequence_number", "long"),
  optional(4, "file_sequence_number", "long"),
  field(
    2,
    "data_file",
    record("r2", [
      field(134, "content", "int"),
      field(100, "file_path", "string"),
      field(101, "file_format", "string"),
      field(102, "partition", record("r102", [])),
      field(103, "record_count", "long"),
      field(104, "file_size_in_bytes", "long"),
      optional(135, "equality_ids", { type: "array", items: "int", "element-id": 136 }),
    ]),
  ),
]);

const MANIFEST = record("manifest_file", [
  field(500, "manifest_path", "string"),
  field(501, "manifest_length", "long"),
  field(502, "partition_spec_id", "int"),
  field(517, "content", "int"),
  field(515, "sequence_number", "long"),
  field(516, "min_sequence_number", "long"),
  field(503, "added_snapshot_id", "long"),
  field(504, "added_files_count", "int"),
  field(505, "existing_files_count", "int"),
  field(506, "deleted_files_count", "int"),
  field(512, "added_rows_count", "long"),
  field(513, "existing_rows_count", "long"),
  field(514, "deleted_rows_count", "long"),
]);

/** Whose a manifest is. */
export interface Commit {
  readonly snapshotId: number;
  readonly sequence: number;
  /** The table's schema as JSON. */
  readonly schema: string;
}

const ADDED = 1;

/** A manifest of one file, that a commit adds. */
export function writeManifest(file: TableFile, { snapshotId, sequence, schema }: Commit): Buffer {
  const metadata = {
    schema,
    "schema-id": "0",
    "partition-spec": "[]",
    "partition-spec-id": "0",
    "format-version": "2",
    content: file.content === DATA ? "data" : "deletes",
  };
  const entry = {
    status: ADDED,
    snapshot_id: snapshotId,
    sequence_number: sequence,
    file_sequence_number: sequence,
    data_file: {
      ...file,
      file_format: "PARQUET",
      partition: {},
    },
  };
  return writeAvro(ENTRY, metadata, [entry]);
}

/** A snapshot's list of manifests. */
export const writeManifestList = (
  manifests: readonly ManifestFile[],
  { snapshotId, sequence }: Commit,
  parent: number | undefined,
): Buffer =>
  writeAvro(
    MANIFEST,
    {
      "snapshot-id": String(snapshotId),
      "parent-snapshot-id": String(parent ?? null),
      "sequence-number": String(sequence),
      "format-version": "2",
    },
    manifests.map((manifest) => ({
      ...manifest,
      partition_spec_id: 0,
      min_sequence_number: manifest.sequence_number,
      added_files_count: 1,
      existing_files_count: 0,
      deleted_files_count: 0,
      existing_rows_count: 0,
      deleted_rows_count: 0,
    })),
  );

export const readManifestList = (file: Buffer): readonly ManifestFile[] => readAvro(file) as readonly ManifestFile[];

/** @returns the files that a manifest adds, with the sequence number of their commit */
export const readManifest = (file: Buffer): readonly (TableFile & { readonly sequence: number })[] =>
  readAvro(file).map((entry) => {
    const { data_file: dataFile, sequence_number: sequence } = entry as ManifestEntry;
    return { ...dataFile, sequence };
  });
