import { poisonError, systemicError } from "../../errors.ts";
import type { Origin, Place, RawHeader, RawRecord } from "./raw-record.ts";

/** A record on its way to another cluster, as its commit has it. */
export interface Copied {
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly RawHeader[];
  readonly timestamp: number;
  readonly origin: Origin;
  readonly place: Place;
}

interface Written {
  readonly k?: string;
  readonly h?: readonly (readonly [string, string | null])[];
  readonly t: number;
  readonly o: string;
  readonly c: readonly string[];
  readonly p: readonly [partition: string, sequence: string, index: number, number?: number];
}

const base64 = (bytes: Uint8Array): string =>
  Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("base64");

/** What a record takes of an envelope beside its bytes: names, lengths, provenance. */
const OVERHEAD = 512;
const HEADER_OVERHEAD = 32;

/** How large a record is once it is copied, with whatever goes with it; never too small. */
export function copiedBytes({
  key,
  value,
  headers,
  origin,
}: Pick<RawRecord, "key" | "value" | "headers" | "origin">): number {
  const ofHeaders = headers.reduce(
    (sum, [name, bytes]) => sum + HEADER_OVERHEAD + Buffer.byteLength(name) + Math.ceil(((bytes?.length ?? 0) * 4) / 3),
    0,
  );
  // A key may be there twice: as Kinesis takes it, and in base64 as it is.
  const ofKey = 256 + Math.ceil(((key?.length ?? 0) * 4) / 3);
  const ofOrigin = Buffer.byteLength(origin.id) + origin.clusters.join().length;
  return OVERHEAD + ofKey + ofHeaders + ofOrigin + (value?.length ?? 0);
}

/** What a sink takes. */
export interface CopyLimits {
  /** That it is of. */
  readonly cluster: string;
  readonly maxBytes: number;
  /** Whether it has no tombstones. */
  readonly needsValue: boolean;
}

/**
 * An output's body: a line of JSON that says all but the value, and, but for a tombstone, the value in base64.
 *
 * @param what names the sink in errors
 * @throws poison errors `sink/too-large`, `replication/no-value`; systemic error `replication/loop` for what comes from that cluster
 */
export function encodeCopy(what: string, record: RawRecord, { cluster, maxBytes, needsValue }: CopyLimits): string {
  const { key, value, headers, timestamp, origin, place } = record;
  if (origin.clusters.includes(cluster)) {
    throw systemicError({
      code: "replication/loop",
      message: `${what}: a record comes from "${cluster}", and would be sent back there.`,
      advice: "Use replication(), or filter by `origin.clusters` before the sink.",
    });
  }
  if (value === null && needsValue) {
    throw poisonError({
      code: "replication/no-value",
      message: `A record for ${what} has no value, which Kinesis has none of.`,
      advice: "Leave `oneWay` out: copies then say so.",
    });
  }
  const bytes = copiedBytes(record);
  if (bytes > maxBytes) {
    const message = `A copy for ${what} takes up to ${bytes} bytes; ${maxBytes} are possible.`;
    throw poisonError({ code: "sink/too-large", message });
  }
  const written: Written = {
    ...(key !== null && { k: base64(key) }),
    ...(headers.length > 0 && { h: headers.map(([name, of]) => [name, of && base64(of)] as const) }),
    t: timestamp,
    o: origin.id,
    c: origin.clusters,
    p:
      place.number === undefined
        ? [place.partition, place.sequence, place.index]
        : [place.partition, place.sequence, place.index, place.number],
  };
  return value === null ? JSON.stringify(written) : `${JSON.stringify(written)}\n${base64(value)}`;
}

/** What {@link encodeCopy} made a text of. */
export function decodeCopy(body: string): Copied {
  const end = body.indexOf("\n"); // JSON has none of its own
  const written = JSON.parse(end < 0 ? body : body.slice(0, end)) as Written;
  const [partition, sequence, index, number] = written.p;
  return {
    key: written.k === undefined ? null : Buffer.from(written.k, "base64"),
    value: end < 0 ? null : Buffer.from(body.slice(end + 1), "base64"),
    headers: (written.h ?? []).map(([name, of]) => [name, of === null ? null : Buffer.from(of, "base64")]),
    timestamp: written.t,
    origin: { id: written.o, clusters: written.c },
    place: { partition, sequence, index, ...(number !== undefined && { number }) },
  };
}

/** What an output's body may take, in UTF-8: base64 is a third longer than what it stands for. */
export const bodyBytesFor = (maxBytes: number): number => Math.ceil((maxBytes * 4) / 3) + 4_096;
