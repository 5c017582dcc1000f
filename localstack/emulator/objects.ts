import { DeleteObjectsCommand, GetObjectCommand, ListObjectsV2Command, type S3Client } from "@aws-sdk/client-s3";

/** The keys of a bucket's objects below a prefix. */
export async function keysOf(s3: S3Client, bucket: string, prefix = ""): Promise<readonly string[]> {
  const keys: string[] = [];
  for (let token: string | undefined; ;) {
    const page = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }));
    for (const { Key } of page.Contents ?? []) keys.push(Key!);
    token = page.NextContinuationToken;
    if (token === undefined) return keys;
  }
}

export async function contentOf(s3: S3Client, bucket: string, key: string): Promise<Uint8Array> {
  const { Body } = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: key }));
  return Body!.transformToByteArray();
}

/** Deletes all of a bucket's objects. */
export async function emptyBucket(s3: S3Client, bucket: string): Promise<void> {
  const keys = await keysOf(s3, bucket);
  for (let at = 0; at < keys.length; at += 1_000) {
    const Objects = keys.slice(at, at + 1_000).map((Key) => ({ Key }));
    await s3.send(new DeleteObjectsCommand({ Bucket: bucket, Delete: { Objects } }));
  }
}
