import { parquetReadObjects } from "hyparquet";
import { bigint, double, lake, nullable, text, timestamp, bool } from "millrace";
import { convertRecords } from "../../localstack/firehose/format-conversion.ts";
import type { CompactedLake, CompactionSettings } from "../../lib/connectors/firehose/compaction/compact.ts";
import type { LakeFile, LakeFiles } from "../../lib/connectors/firehose/compaction/lake-files.ts";

export const HOUR = 3_600_000;
export const DAY = 24 * HOUR;

export const trips = lake("trips", {
  driver: text,
  endedAt: timestamp,
  fare: nullable(double),
  meters: bigint,
  isShared: bool,
});

export const compacted: CompactedLake = { name: "trips", prefix: "data/trips/", columns: trips.columns };

/** The process of a compaction has ended. */
export class Crash extends Error {}

/** Files in memory, by a clock of their own, that end after any number of requests. */
export class MemoryFiles implements LakeFiles {
  readonly stored = new Map<string, { readonly bytes: Uint8Array; readonly modified: number }>();
  now = 0;
  requests = 0;
  bytesRead = 0;
  /** Requests that are still answered. */
  left = Infinity;

  async *list(prefix: string): AsyncGenerator<LakeFile> {
    this.#request();
    const keys = [...this.stored.keys()].filter((key) => key.startsWith(prefix)).toSorted();
    for (const key of keys) {
      const { bytes, modified } = this.stored.get(key)!;
      yield { key, bytes: bytes.length, modified };
    }
    this.#end();
  }

  async read(key: string, start: number, end: number): Promise<Uint8Array> {
    this.#request();
    const bytes = this.stored.get(key)!.bytes.slice(start, end);
    this.bytesRead += bytes.length;
    this.#end();
    return bytes;
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    this.#request();
    this.stored.set(key, { bytes: bytes.slice(), modified: this.now });
    this.#end();
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (const key of keys) {
      this.#request(); // one at a time, so that it may end within
      this.stored.delete(key);
      this.#end();
    }
  }

  /** It ends before the request is made, or after it was. */
  #request(): void {
    this.requests++;
    if (this.left === 0) throw new Crash();
    this.left -= 0.5;
  }

  #end(): void {
    if (this.left <= 0) throw new Crash();
    this.left -= 0.5;
    if (this.left < 0) this.left = 0;
  }
}

export const settingsOf = (files: MemoryFiles, more: Partial<CompactionSettings> = {}): CompactionSettings => ({
  files,
  now: () => files.now,
  hasTime: () => true,
  log: () => undefined,
  closedAfterMillis: 6 * HOUR,
  largest: 1_000_000,
  ...more,
});

/** Row number n, always the same. */
export const rowText = (n: number): string =>
  `{"output_id":"t@${n}#0",${trips
    .encode({
      driver: `d${n % 7}`,
      endedAt: Date.UTC(2001, 0, 1) + n,
      ...(n % 3 === 0 ? {} : { fare: n / 8 }),
      meters: n % 2 === 0 ? n : 2n ** 62n + BigInt(n),
      isShared: n % 5 === 0,
    } as never)
    .slice(1)}`;

/** A file as Firehose writes it. */
export function parquetOf(rows: readonly number[]): Uint8Array {
  const { parquet } = convertRecords([Buffer.from(rows.map(rowText).join("\n"))], {
    columns: [...trips.columns, { name: "output_id", type: "string" }],
    serDe: { kind: "hive", timestampFormats: ["millis"] },
    compression: "SNAPPY",
  });
  return parquet!;
}

export async function rowsIn(bytes: Uint8Array): Promise<readonly Readonly<Record<string, unknown>>[]> {
  return (await parquetReadObjects({ file: bytes.slice().buffer })) as Record<string, unknown>[];
}

/** What the view shows of these files: each id once. */
export async function viewOf(files: Iterable<Uint8Array>): Promise<ReadonlyMap<string, string>> {
  const rows = new Map<string, string>();
  for (const bytes of files) {
    for (const row of await rowsIn(bytes)) rows.set(row["output_id"] as string, textOf(row));
  }
  return new Map([...rows].toSorted(([a], [b]) => (a < b ? -1 : 1)));
}

const textOf = (row: object): string =>
  JSON.stringify(row, (_, value: unknown) => (typeof value === "bigint" ? `${value}n` : value));
