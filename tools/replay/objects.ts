import { ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";

/** Objects that are to be replayed. */
export interface ArchivePlace {
  readonly bucket: string;
  readonly prefix: string;
  readonly suffix: string;
}

export interface ArchivedObject {
  readonly key: string;
  readonly etag: string;
  readonly bytes: number;
}

/** The objects of a place in the order of their keys. @param from the key that comes first, if it is there @throws what S3 throws */
export async function* archivedObjects(
  s3: S3Client,
  { bucket, prefix, suffix }: ArchivePlace,
  from?: string,
): AsyncGenerator<ArchivedObject> {
  // S3 lists what comes after a key: the key itself is what all that begin with it come after.
  const StartAfter = from === undefined || from === "" ? undefined : justBefore(from);
  for (let ContinuationToken: string | undefined; ;) {
    const listed = await s3.send(
      new ListObjectsV2Command({
        Bucket: bucket,
        Prefix: prefix,
        ...(ContinuationToken !== undefined ? { ContinuationToken } : StartAfter !== undefined && { StartAfter }),
      }),
    );
    for (const { Key, ETag = "", Size = 0 } of listed.Contents ?? []) {
      if (
        Key === undefined ||
        Size === 0 ||
        !Key.endsWith(suffix) ||
        (from !== undefined && compareKeys(Key, from) < 0)
      )
        continue;
      yield { key: Key, etag: ETag.replaceAll('"', ""), bytes: Size };
    }
    ContinuationToken = listed.NextContinuationToken;
    if (ContinuationToken === undefined) return;
  }
}

/** Keys in the order in which S3 lists them: by their bytes. */
export const compareKeys = (a: string, b: string): number => Buffer.compare(Buffer.from(a), Buffer.from(b));

/** A key that comes before another, near it. */
const justBefore = (key: string): string | undefined => [...key].slice(0, -1).join("") || undefined;
