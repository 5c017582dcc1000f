import { GetObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { parquetMetadataAsync, parquetReadObjects, type AsyncBuffer } from "hyparquet";
import { compressors } from "hyparquet-compressors";
import type { Lake } from "millrace";
import { OUTPUT_ID } from "../../lib/connectors/firehose/declare.ts";
import { BEGINNING } from "../../lib/connectors/s3/notification.ts";
import { readObject } from "../../lib/connectors/s3/read-object.ts";
import { messageOf, poisonError } from "../../lib/errors.ts";
import { rowOf } from "../rebuild/lake-rows.ts";
import type { ArchivedObject } from "./objects.ts";

/** An event of an object. */
export interface ArchivedEvent {
  /** How many lines or rows of the object come before it. */
  readonly index: number;
  /** The event; what is wrong with it, where it cannot be read. */
  readonly read: { readonly event: unknown } | { readonly problem: unknown };
  /** The output id of a lake's row, if it is one. */
  readonly outputId: string | undefined;
}

export interface EventsOf {
  readonly s3: S3Client;
  readonly bucket: string;
  /** Whose rows Parquet files have, where they are a lake's: then an event is a row as it was sent there. */
  readonly lake: Lake<never> | undefined;
}

/**
 * The events of an object, in its order: lines of JSON, compressed or not, or rows of Parquet, by its first bytes. Of Parquet a group of rows is
 * held at a time.
 *
 * @param from how many come before the first
 */
export async function* eventsOf(where: EventsOf, object: ArchivedObject, from: number): AsyncGenerator<ArchivedEvent> {
  const { s3, bucket } = where;
  const slice = (range: string) => bytesOf(s3, bucket, object, range);
  const magic = Buffer.from(await slice("bytes=0-3")).toString("latin1");
  yield* magic === "PAR1" ? rowsOf(where, object, slice, from) : linesOf(where, object, from);
}

async function* linesOf({ s3, bucket }: EventsOf, { key, etag }: ArchivedObject, from: number) {
  const { lines } = await readObject(s3, { bucket, key, etag, from: BEGINNING });
  for await (const some of lines) {
    for (const { index, bytes, isTooLong } of some.lines) {
      if (index >= from) yield { index, outputId: undefined, read: isTooLong ? tooLong() : parsed(bytes) };
    }
  }
}

const tooLong = () => ({ problem: poisonError({ code: "s3/line-too-long", message: "The line is too long." }) });

function parsed(bytes: Buffer): ArchivedEvent["read"] {
  try {
    return { event: JSON.parse(bytes.toString("utf8")) as unknown };
  } catch (thrown) {
    return { problem: poisonError({ code: "json/syntax", message: `The line is no JSON: ${messageOf(thrown)}.` }) };
  }
}

async function* rowsOf(
  { lake }: EventsOf,
  { bytes }: ArchivedObject,
  slice: (range: string) => Promise<Uint8Array>,
  from: number,
): AsyncGenerator<ArchivedEvent> {
  const file: AsyncBuffer = {
    byteLength: bytes,
    slice: async (start, end = bytes) => {
      const [first, last] = [start < 0 ? bytes + start : start, end];
      const part = await slice(`bytes=${first}-${last - 1}`);
      return part.buffer.slice(part.byteOffset, part.byteOffset + part.byteLength) as ArrayBuffer;
    },
  };
  const metadata = await parquetMetadataAsync(file);
  let index = 0;
  for (const { num_rows } of metadata.row_groups) {
    const end = index + Number(num_rows);
    if (end > from) {
      const rows = await parquetReadObjects({
        file,
        metadata,
        compressors,
        rowStart: Math.max(index, from),
        rowEnd: end,
      });
      for (const [i, stored] of rows.entries()) {
        const id: unknown = stored[OUTPUT_ID];
        const event = lake === undefined ? plainRow(stored) : rowOf(lake, stored);
        yield {
          index: Math.max(index, from) + i,
          outputId: typeof id === "string" ? id : undefined,
          read: { event: asJson(event) },
        };
      }
    }
    index = end;
  }
}

/** A row without what is null, and with times as epoch milliseconds. */
const plainRow = (stored: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(stored).flatMap(([name, value]) => {
      if (value === null || value === undefined) return [];
      const isSafe = typeof value === "bigint" && Number.isSafeInteger(Number(value));
      return [[name, value instanceof Date ? value.getTime() : isSafe ? Number(value) : value]];
    }),
  );

/** What JSON has no number for is a text. */
const asJson = (row: Readonly<Record<string, unknown>>): Record<string, unknown> =>
  Object.fromEntries(
    Object.entries(row).map(([name, value]) => [name, typeof value === "bigint" ? String(value) : value]),
  );

async function bytesOf(
  s3: S3Client,
  bucket: string,
  { key, etag }: ArchivedObject,
  range: string,
): Promise<Uint8Array> {
  const { Body } = await s3.send(
    new GetObjectCommand({ Bucket: bucket, Key: key, Range: range, IfMatch: `"${etag}"` }),
  );
  return Body!.transformToByteArray();
}
