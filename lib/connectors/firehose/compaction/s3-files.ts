import {
  DeleteObjectsCommand,
  GetObjectCommand,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import type { LakeFile, LakeFiles } from "./lake-files.ts";

/** Objects of one DeleteObjects request (AWS: S3 API reference). */
const MAX_DELETED = 1_000;

/** A lake's files in an S3 bucket. */
export class S3LakeFiles implements LakeFiles {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async *list(prefix: string): AsyncGenerator<LakeFile> {
    const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
    for await (const { Contents = [] } of pages) {
      for (const { Key, Size, LastModified } of Contents)
        yield { key: Key!, bytes: Size!, modified: LastModified!.getTime() };
    }
  }

  async read(key: string, start: number, end: number): Promise<Uint8Array> {
    const Range = `bytes=${start}-${end - 1}`;
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key, Range }));
    return Body!.transformToByteArray();
  }

  async write(key: string, bytes: Uint8Array): Promise<void> {
    await this.#client.send(
      new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentLength: bytes.length }),
    );
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_DELETED) {
      const Objects = keys.slice(from, from + MAX_DELETED).map((Key) => ({ Key }));
      const request = new DeleteObjectsCommand({ Bucket: this.#bucket, Delete: { Objects, Quiet: true } });
      const { Errors: [error] = [] } = await this.#client.send(request);
      if (error !== undefined) throw new Error(`${error.Key ?? "?"} was not deleted: ${error.Message ?? error.Code}`);
    }
  }
}
