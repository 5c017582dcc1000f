import { parquetMetadataAsync, parquetRead, type AsyncBuffer, type FileMetaData } from "hyparquet";
import type { DecodedArray, SchemaElement } from "hyparquet";
import { ByteWriter, ParquetWriter } from "hyparquet-writer";
import type { LakeColumn } from "../row.ts";

/** A column of a lake's files, the output id's among them. */
export type FileColumn = Pick<LakeColumn, "name" | "type">;

/** Where a merged file keeps the names of what it was made of. */
const INPUTS = "millrace.inputs";

const ELEMENT: Readonly<Record<FileColumn["type"], Omit<SchemaElement, "name">>> = {
  string: { type: "BYTE_ARRAY", converted_type: "UTF8" },
  bigint: { type: "INT64" },
  double: { type: "DOUBLE" },
  boolean: { type: "BOOLEAN" },
  timestamp: { type: "INT64", converted_type: "TIMESTAMP_MILLIS" },
};

/** Bytes of a file's end that are read at first: more than most need, and little where every file is looked at. */
const END_BYTES = 64 * 1_024;

/** What a file's end says of it. */
export const metadataOf = (file: AsyncBuffer): Promise<FileMetaData> =>
  parquetMetadataAsync(file, { initialFetchSize: END_BYTES });

/** The names of what a merged file was made of: from its end alone. */
export async function inputsOf(file: AsyncBuffer): Promise<readonly string[]> {
  const { key_value_metadata: pairs = [] } = await metadataOf(file);
  const value = pairs.find(({ key }) => key === INPUTS)?.value;
  return value === undefined ? [] : (JSON.parse(value) as string[]);
}

/**
 * Makes one Parquet file of several, a row group at a time. Of rows with one output id the first stays: they are the
 * same rows (X4).
 */
export class Merger {
  readonly #columns: readonly FileColumn[];
  readonly #id: string;
  readonly #bytes = new ByteWriter();
  readonly #writer: ParquetWriter;
  readonly #pairs: { key: string; value: string }[] = [];
  readonly #seen = new Set<string>();
  /** Rows read. */
  read = 0;

  constructor(columns: readonly FileColumn[], id: string) {
    this.#columns = columns;
    this.#id = id;
    this.#writer = new ParquetWriter({
      writer: this.#bytes,
      schema: [
        { name: "root", num_children: columns.length },
        ...columns.map(({ name, type }) => ({ ...ELEMENT[type], name, repetition_type: "OPTIONAL" as const })),
      ],
      kvMetadata: this.#pairs,
    });
  }

  /** Rows written. */
  get rows(): number {
    return this.#seen.size;
  }

  /** @returns why a file is not merged: it has what would be lost */
  refuse({ schema }: FileMetaData): string | undefined {
    const [, ...elements] = schema;
    const unknown = elements.find(({ name }) => !this.#columns.some((column) => column.name === name));
    if (unknown !== undefined) return `it has a column ${unknown.name}, which the lake has not`;
    if (!elements.some(({ name }) => name === this.#id)) return `it has no column ${this.#id}`;
    const changed = elements.find(
      ({ name, type }) =>
        !fits(
          type,
          this.#columns.find((one) => one.name === name)!,
        ),
    );
    return changed && `its column ${changed.name} is of another type than the lake's`;
  }

  async add(file: AsyncBuffer, metadata: FileMetaData): Promise<void> {
    const present = new Set(metadata.schema.map(({ name }) => name));
    let rowStart = 0;
    for (const group of metadata.row_groups) {
      const rowEnd = rowStart + Number(group.num_rows);
      const range = { file, metadata, rowStart, rowEnd };
      const ids = await columnOf(range, this.#id);
      const kept = this.#firsts(ids);
      const columnData: { name: string; data: unknown[] }[] = [];
      for (const { name, type } of this.#columns) {
        const values = present.has(name) ? await columnOf(range, name) : undefined;
        columnData.push({ name, data: kept.map((i) => stored(type, values?.[i])) });
      }
      this.read += rowEnd - rowStart;
      rowStart = rowEnd;
      if (kept.length > 0) {
        await this.#writer.write({
          columnData: columnData.map(({ name, data }) => ({ name, data: data as DecodedArray })),
          rowGroupSize: kept.length,
        });
      }
    }
  }

  /** @param inputs names of all files that were added */
  finish(inputs: readonly string[]): Uint8Array {
    this.#pairs.push({ key: INPUTS, value: JSON.stringify(inputs) });
    void this.#writer.finish();
    return this.#bytes.getBytes();
  }

  /** Which of these rows are the first with their ids. */
  #firsts(ids: readonly unknown[]): number[] {
    const kept: number[] = [];
    for (let i = 0; i < ids.length; i++) {
      const id = ids[i];
      if (typeof id !== "string") throw new TypeError(`Row ${i} of a row group has no ${this.#id}.`);
      if (this.#seen.has(id)) continue;
      this.#seen.add(id);
      kept.push(i);
    }
    return kept;
  }
}

interface RowGroup {
  readonly file: AsyncBuffer;
  readonly metadata: FileMetaData;
  readonly rowStart: number;
  readonly rowEnd: number;
}

/** A column's values in one row group. */
async function columnOf(group: RowGroup, name: string): Promise<readonly unknown[]> {
  const values = new Array<unknown>(group.rowEnd - group.rowStart);
  await parquetRead({
    ...group,
    columns: [name],
    onChunk: ({ columnData, rowStart }) => {
      for (let i = 0; i < columnData.length; i++) values[rowStart - group.rowStart + i] = columnData[i];
    },
  });
  return values;
}

/** Timestamps are of 96 bits where Firehose writes them, and of 64 where this does. */
const fits = (type: SchemaElement["type"], column: FileColumn): boolean =>
  type === ELEMENT[column.type].type || (column.type === "timestamp" && type === "INT96");

function stored(type: FileColumn["type"], value: unknown): unknown {
  if (value === undefined || value === null) return null;
  return type === "timestamp" ? BigInt((value as Date).getTime()) : value;
}
