import type { S3Client } from "@aws-sdk/client-s3";
import type { SQSClient } from "@aws-sdk/client-sqs";
import { BEGINNING, continuation } from "../../lib/connectors/s3/notification.ts";
import { sendAll } from "../../lib/connectors/sqs/send.ts";
import type { Wait } from "../../lib/runtime/retries.ts";
import { archivedObjects, type ArchivePlace } from "./objects.ts";
import type { Progress } from "./progress.ts";

export interface TellSettings {
  readonly s3: S3Client;
  readonly sqs: SQSClient;
  readonly place: ArchivePlace;
  readonly queueUrl: string;
  readonly progress: Progress | undefined;
  readonly isInterrupted: () => boolean;
  readonly wait: Wait;
}

/** Messages of one request. */
const PORTION = 10;

/** Tells a source of objects that were there before it, or once more. @returns of how many */
export async function tell({ s3, sqs, place, queueUrl, progress, isInterrupted, wait }: TellSettings): Promise<number> {
  let told = 0;
  let portion: { readonly key: string; readonly body: string }[] = [];
  const send = async (): Promise<void> => {
    if (portion.length === 0) return;
    await sendAll(
      { client: sqs, queueUrl, wait },
      portion.map(({ body }) => ({ body })),
    );
    told += portion.length;
    progress?.note({ key: portion.at(-1)!.key, index: 1 });
    portion = [];
  };
  const done = progress?.place?.key;
  for await (const { key, etag } of archivedObjects(s3, place, done)) {
    if (key === done) continue;
    portion.push({ key, body: continuation({ bucket: place.bucket, key, etag, from: BEGINNING }) });
    if (portion.length === PORTION) await send();
    if (isInterrupted()) return told;
  }
  await send();
  progress?.note(progress.place, true);
  return told;
}
