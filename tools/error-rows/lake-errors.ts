import { DeleteObjectCommand, GetObjectCommand, paginateListObjectsV2, type S3Client } from "@aws-sdk/client-s3";
import { recordsIn, type FailedRecord } from "./error-object.ts";
import type { LakePlace } from "./place.ts";

/** An object below a lake's error prefix. */
export interface ErrorObject {
  readonly key: string;
  readonly bytes: number;
  /** Epoch milliseconds. */
  readonly modified: number;
}

/** A lake's error objects on S3. */
export class LakeErrors {
  readonly #client: S3Client;
  readonly #place: LakePlace;

  constructor(client: S3Client, place: LakePlace) {
    this.#client = client;
    this.#place = place;
  }

  /** Those that are there now, in the order of their keys, and so of their days. */
  async list(limit: number): Promise<readonly ErrorObject[]> {
    const found: ErrorObject[] = [];
    const { bucket: Bucket, errorPrefix: Prefix } = this.#place;
    for await (const { Contents = [] } of paginateListObjectsV2({ client: this.#client }, { Bucket, Prefix })) {
      for (const { Key, Size, LastModified } of Contents) {
        if (found.length === limit) return found;
        found.push({ key: Key!, bytes: Size!, modified: LastModified!.getTime() });
      }
    }
    return found;
  }

  async *read(key: string): AsyncGenerator<FailedRecord> {
    const { Body } = await this.#client.send(new GetObjectCommand({ Bucket: this.#place.bucket, Key: key }));
    yield* recordsIn(key, Body as unknown as AsyncIterable<Uint8Array>);
  }

  async delete(key: string): Promise<void> {
    await this.#client.send(new DeleteObjectCommand({ Bucket: this.#place.bucket, Key: key }));
  }

  /** What kind of error an object is of: the folder that Firehose gave it. */
  kindOf(key: string): string {
    return key.slice(this.#place.errorPrefix.length).split("/")[0] ?? "";
  }
}
