import { GetObjectCommand, NoSuchKey, PutObjectCommand, type S3Client } from "@aws-sdk/client-s3";
import { infrastructureError, messageOf } from "../errors.ts";
import type { ObjectStore } from "../state/object-store.ts";

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

  #failed(verb: string, key: string, cause: unknown) {
    return infrastructureError({
      code: "s3/request",
      message: `Could not ${verb} s3://${this.#bucket}/${key}: ${messageOf(cause)}`,
      cause,
    });
  }
}
