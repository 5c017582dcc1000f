import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand, S3ServiceException } from "@aws-sdk/client-s3";
import type { Probe } from "../probe.ts";

const ROUNDS = 20;

/** What checkpoints and spilled commits rest on. */
export const s3Probes: readonly Probe[] = [
  {
    service: "S3",
    assumption: "an object that was put is read, whole, at once, and is listed",
    async run({ clients: { s3 }, place: { bucket }, run }) {
      for (let round = 0; round < ROUNDS; round++) {
        const Key = `${run}/object-${round}`;
        const Body = Buffer.alloc(10_000 + round, round);
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key, Body }));
        const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key }));
        if (!Body.equals((await answer.Body?.transformToByteArray()) ?? Buffer.alloc(0)))
          return { holds: false, seen: `object ${round} was not what was put` };
        const { KeyCount } = await s3.send(new ListObjectsV2Command({ Bucket: bucket, Prefix: Key }));
        if (KeyCount !== 1) return { holds: false, seen: `object ${round} was not listed` };
      }
      return { holds: true, seen: `${ROUNDS} objects` };
    },
  },
  {
    service: "S3",
    assumption: "a missing object is NoSuchKey, 404, for who may list the bucket (403 for others)",
    async run({ clients: { s3 }, place: { bucket }, run }) {
      try {
        await s3.send(new GetObjectCommand({ Bucket: bucket, Key: `${run}/missing` }));
        return { holds: false, seen: "an object" };
      } catch (error) {
        if (!(error instanceof S3ServiceException)) throw error;
        const status = error.$metadata.httpStatusCode;
        return { holds: error.name === "NoSuchKey" && status === 404, seen: `${error.name}, ${status ?? "no status"}` };
      }
    },
  },
];
