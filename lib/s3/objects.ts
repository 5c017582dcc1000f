import {
  DeleteObjectsCommand,
  GetObjectCommand,
  NoSuchKey,
  paginateListObjectsV2,
  PutObjectCommand,
  type S3Client,
} from "@aws-sdk/client-s3";
import { infrastructureError, messageOf } from "../errors.ts";
import type { ObjectStore } from "../state/object-store.ts";

/** Objects of one DeleteObjects request (AWS: S3 API reference). */
const MAX_DELETED = 1_000;

/** An object store in an S3 bucket. */
export class S3Objects implements ObjectStore {
  readonly #client: S3Client;
  readonly #bucket: string;

  constructor(client: S3Client, bucket: string) {
    this.#client = client;
    this.#bucket = bucket;
  }

  async put(key: string, bytes: Uint8Array): Promise<void> {
    try {
      await this.#client.send(
        new PutObjectCommand({ Bucket: this.#bucket, Key: key, Body: bytes, ContentLength: bytes.length }),
      );
    } catch (cause) {
      throw this.#failed("write", key, cause);
    }
  }

  async get(key: string): Promise<Uint8Array | undefined> {
    try {
      const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#bucket, Key: key }));
      return await Body!.transformToByteArray();
    } catch (cause) {
      if (cause instanceof NoSuchKey) return undefined;
      throw this.#failed("read", key, cause);
    }
  }

  async list(prefix: string): Promise<readonly string[]> {
    const keys: string[] = [];
    try {
      const pages = paginateListObjectsV2({ client: this.#client }, { Bucket: this.#bucket, Prefix: prefix });
      for await (const { Contents } of pages) keys.push(...(Contents ?? []).flatMap(({ Key }) => Key ?? []));
    } catch (cause) {
      throw this.#failed("list", prefix, cause);
    }
    return keys;
  }

  async delete(keys: readonly string[]): Promise<void> {
    for (let from = 0; from < keys.length; from += MAX_DELETED) {
      const batch = keys.slice(from, from + MAX_DELETED);
      try {
        const { Errors } = await this.#client.send(
          new DeleteObjectsCommand({
            Bucket: this.#bucket,
            Delete: { Objects: batch.map((Key) => ({ Key })), Quiet: true },
          }),
        );
        if (Errors?.[0] !== undefined)
          throw new Error(`${Errors[0].Key ?? "?"}: ${Errors[0].Message ?? Errors[0].Code}`);
      } catch (cause) {
        throw this.#failed("delete", batch[0]!, cause);
      }
    }
  }

  #failed(verb: string, key: string, cause: unknown) {
    return infrastructureError({
      code: "s3/request",
      message: `Could not ${verb} s3://${this.#bucket}/${key}: ${messageOf(cause)}`,
      cause,
    });
  }
}
