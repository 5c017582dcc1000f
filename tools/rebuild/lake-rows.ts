import { GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";
import { parquetReadObjects } from "hyparquet";
import type { Lake } from "millrace";
import { OUTPUT_ID } from "../../lib/connectors/firehose/declare.ts";

export interface LakeFiles {
  readonly lake: Lake<never>;
  readonly bucket: string;
  readonly prefix: string;
  readonly s3: S3Client;
}

/** The rows of a lake's Parquet files, each once; in no order that means anything. */
export async function* lakeRows({ lake, bucket, prefix, s3 }: LakeFiles): AsyncGenerator<Record<string, unknown>> {
  const seen = new Set<string>();
  for (let ContinuationToken: string | undefined; ;) {
    const listed = await s3.send(
      new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ...(ContinuationToken && { ContinuationToken }) }),
    );
    for (const { Key } of listed.Contents ?? []) {
      const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
      const file = new Uint8Array(await Body!.transformToByteArray()).buffer;
      for (const stored of await parquetReadObjects({ file })) {
        const id = String(stored[OUTPUT_ID]);
        if (seen.has(id)) continue; // X8: it was delivered twice
        seen.add(id);
        yield rowOf(lake, stored);
      }
    }
    ContinuationToken = listed.NextContinuationToken;
    if (ContinuationToken === undefined) return;
  }
}

/** A row as it was sent to the lake. */
export function rowOf({ columns }: Lake<never>, stored: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(
    columns.flatMap(({ field, name }) => {
      const value = stored[name];
      if (value === null || value === undefined) return [];
      if (value instanceof Date) return [[field, value.getTime()]];
      const isSafe = typeof value === "bigint" && Number.isSafeInteger(Number(value));
      return [[field, isSafe ? Number(value) : value]];
    }),
  );
}
