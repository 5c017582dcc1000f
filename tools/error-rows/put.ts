import { PutRecordBatchCommand, type FirehoseClient } from "@aws-sdk/client-firehose";
import { infrastructureError, messageOf, MillraceError } from "../../lib/errors.ts";
import type { FailedRecord } from "./error-object.ts";
import type { LakeErrors } from "./lake-errors.ts";

/** Limits of one PutRecordBatch request (AWS: Firehose API reference). */
const MAX_RECORDS = 500;
const MAX_BYTES = 4 * 1_024 * 1_024;

/** What a request leaves out is put again this often, each time after twice the wait. */
const ATTEMPTS = 10;
const FIRST_WAIT_MILLIS = 50;
const LONGEST_WAIT_MILLIS = 5_000;

export interface PutContext {
  readonly firehose: FirehoseClient;
  readonly deliveryStream: string;
  readonly errors: Pick<LakeErrors, "list" | "read" | "delete">;
  readonly limit: number;
  /** Records a second. */
  readonly rate: number;
  readonly dryRun: boolean;
  /** Whether it is time to end. */
  readonly isOver: () => boolean;
  readonly onProgress: (summary: PutSummary) => void;
  /** Milliseconds, of any clock. */
  readonly now: () => number;
  readonly sleep: (millis: number) => Promise<void>;
}

export interface PutSummary {
  /** Error objects whose records were all taken, or would have been. */
  readonly objects: number;
  readonly records: number;
  /** Objects that are none of Firehose's, with the reason. */
  readonly left: readonly string[];
}

/**
 * Puts the records of error objects into the delivery stream, and deletes each object once all of its records were taken: in
 * this order, so that each is always in one of the two. What is put twice has the same output id both times.
 *
 * Only what was there at the beginning is put: what fails again is left for another run.
 *
 * @throws what stands in the way; then the object that was in hand, and those after it, are still there
 */
export async function putBack(context: PutContext): Promise<PutSummary> {
  const { errors, limit, rate, dryRun, isOver, onProgress, now, sleep } = context;
  const left: string[] = [];
  let [objects, records] = [0, 0];
  const began = now();
  for (const { key } of await errors.list(limit)) {
    if (isOver()) break;
    try {
      for await (const batch of batchesOf(errors.read(key))) {
        if (!dryRun) await put(context, batch);
        records += batch.length;
        onProgress({ objects, records, left });
        const due = began + (records / rate) * 1_000;
        if (!dryRun && due > now()) await sleep(due - now());
      }
    } catch (error) {
      if (!(error instanceof MillraceError) || error.kind !== "definition") throw error;
      left.push(messageOf(error));
      continue;
    }
    if (!dryRun) await errors.delete(key);
    objects += 1;
  }
  return { objects, records, left };
}

async function* batchesOf(records: AsyncIterable<FailedRecord>): AsyncGenerator<readonly Buffer[]> {
  let batch: Buffer[] = [];
  let bytes = 0;
  for await (const { data } of records) {
    if (batch.length === MAX_RECORDS || (batch.length > 0 && bytes + data.length > MAX_BYTES)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(data);
    bytes += data.length;
  }
  if (batch.length > 0) yield batch;
}

async function put({ firehose, deliveryStream, sleep }: PutContext, batch: readonly Buffer[]): Promise<void> {
  let rest = batch;
  for (let attempt = 1; ; attempt++) {
    const Records = rest.map((Data) => ({ Data }));
    const answer = await firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: deliveryStream, Records: [...Records] }),
    );
    const { FailedPutCount = 0, RequestResponses = [] } = answer;
    if (FailedPutCount === 0) return;
    rest = rest.filter((_, i) => RequestResponses[i]?.ErrorCode !== undefined);
    if (attempt === ATTEMPTS) {
      const { ErrorCode, ErrorMessage } = RequestResponses.find((one) => one.ErrorCode !== undefined) ?? {};
      throw infrastructureError({
        code: "firehose/put",
        message: `Delivery stream ${deliveryStream} did not take ${rest.length} records in ${ATTEMPTS} attempts (${ErrorCode ?? "no code"}: ${ErrorMessage ?? ""}).`,
        advice: "Run the command again, with a lower --rate: the error object is still there.",
      });
    }
    await sleep(Math.min(FIRST_WAIT_MILLIS * 2 ** (attempt - 1), LONGEST_WAIT_MILLIS));
  }
}
