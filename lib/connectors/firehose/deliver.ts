import { PutRecordBatchCommand, type FirehoseClient, type PutRecordBatchCommandOutput } from "@aws-sdk/client-firehose";
import { infrastructureError } from "../../errors.ts";
import { isOutOfTime, Retries, type Wait } from "../../runtime/retries.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriter } from "../../runtime/sink-writer.ts";
import { MAX_RECORD_BYTES, OUTPUT_ID, type LakeDeclaration } from "./declare.ts";
import { EVENT_DATE, eventDateOf } from "./event-date.ts";

/** Limits of one PutRecordBatch request (AWS: Firehose API reference). */
const MAX_BATCH_RECORDS = 500;
const MAX_BATCH_BYTES = 4 * 1_024 * 1_024;

/** Firehose takes this many rows out of a record, and no more, where it has to look at each row (AWS: Firehose guide, deaggregation). */
const MAX_SEPARATED_ROWS = 500;

export interface FirehoseWriterSettings {
  readonly client: FirehoseClient;
  readonly lake: Pick<LakeDeclaration, "eventDates" | "table">;
  readonly deliveryStream: string;
  readonly wait: Wait;
}

/**
 * Puts rows into a delivery stream, many to a record where Firehose takes that: each record is billed as a multiple of 5 KB.
 */
export class FirehoseWriter implements SinkWriter {
  readonly #settings: FirehoseWriterSettings;

  constructor(settings: FirehoseWriterSettings) {
    this.#settings = settings;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    let taken = 0;
    const { lake, wait } = this.#settings;
    try {
      // One request's rows at a time: a window that closes may have very many.
      for (const batch of batches(recordsOf(lake, deliveries))) {
        // The first is put in any case: each turn gets something done.
        if (taken > 0 && isOutOfTime(wait)) throw this.#failed("took no more in time");
        const failure = await this.#put(batch);
        taken += rowsOf(failure === undefined ? batch : batch.slice(0, failure.from));
        if (failure !== undefined) throw failure.cause;
      }
    } catch (cause) {
      // Be it of Firehose or of a row that cannot be made: what follows is not tried, and the next attempt goes on from here.
      throw new InterruptedDelivery(taken, cause);
    }
    return []; // Firehose refuses nothing for good that the row's check lets through
  }

  /** @returns what failed, and which record it begins with */
  async #put(records: readonly PackedRows[]): Promise<{ from: number; cause: unknown } | undefined> {
    const retries = new Retries(this.#settings.wait);
    for (let rest = records; ;) {
      const request = new PutRecordBatchCommand({
        DeliveryStreamName: this.#settings.deliveryStream,
        Records: rest.map(({ data }) => ({ Data: data })),
      });
      let answer: PutRecordBatchCommandOutput;
      try {
        answer = await this.#settings.client.send(request);
      } catch (cause) {
        return { from: records.indexOf(rest[0]!), cause };
      }
      if ((answer.FailedPutCount ?? 0) === 0) return undefined;
      const responses = answer.RequestResponses ?? [];
      const failed = rest.filter((_, i) => responses[i]?.ErrorCode !== undefined);
      if (!(await retries.again())) {
        const [error] = responses.flatMap(({ ErrorCode, ErrorMessage }) =>
          ErrorCode === undefined ? [] : [`${ErrorCode}: ${ErrorMessage ?? ""}`],
        );
        const { attempt } = retries;
        const how = `took all but ${failed.length} of ${records.length} records in ${attempt} attempt${attempt === 1 ? "" : "s"}`;
        return { from: records.indexOf(failed[0]!), cause: this.#failed(`${how} (${error ?? "no reason given"})`) };
      }
      rest = failed;
    }
  }

  #failed(how: string) {
    return infrastructureError({
      code: "firehose/put",
      message: `Delivery stream ${this.#settings.deliveryStream} ${how}.`,
    });
  }
}

/** A row with its id in front, X8, and the day that it belongs to: both are the same at every delivery. */
function rowOf({ eventDates }: FirehoseWriterSettings["lake"], { id, body }: Delivery): string {
  const date = eventDates === undefined ? "" : `,"${EVENT_DATE}":"${eventDateOf(eventDates, body)}"`;
  return `{"${OUTPUT_ID}":${JSON.stringify(id)}${date}${body === "{}" ? "" : ","}${body.slice(1)}`;
}

/** For Iceberg one record a row, as Firehose takes nothing apart there (AWS: Firehose guide, considerations for Iceberg). */
function* recordsOf(
  lake: FirehoseWriterSettings["lake"],
  deliveries: readonly Delivery[],
): Generator<PackedRows, void, void> {
  const rows = rowsOfLake(lake, deliveries);
  if (lake.table === "iceberg") for (const row of rows) yield { data: Buffer.from(row), rows: 1 };
  else yield* packRows(rows, lake.eventDates === undefined ? {} : { maxRows: MAX_SEPARATED_ROWS });
}

function* rowsOfLake(lake: FirehoseWriterSettings["lake"], deliveries: readonly Delivery[]): Generator<string> {
  for (const delivery of deliveries) yield rowOf(lake, delivery);
}

/** One row or several as one record. */
export interface PackedRows {
  /** One row a line, where there may be several. */
  readonly data: Buffer;
  readonly rows: number;
}

const rowsOf = (records: readonly PackedRows[]): number => records.reduce((sum, { rows }) => sum + rows, 0);

/** Rows, one a line, in records as large as may be. */
export function* packRows(
  rows: Iterable<string>,
  { maxBytes = MAX_RECORD_BYTES, maxRows = Number.POSITIVE_INFINITY } = {},
): Generator<PackedRows, void, void> {
  let lines: string[] = [];
  let bytes = 0;
  for (const row of rows) {
    const line = `${row}\n`;
    const size = Buffer.byteLength(line);
    if (lines.length > 0 && (bytes + size > maxBytes + 1 || lines.length === maxRows)) {
      yield packed(lines);
      lines = [];
      bytes = 0;
    }
    lines.push(line);
    bytes += size;
  }
  if (lines.length > 0) yield packed(lines);
}

const packed = (lines: readonly string[]): PackedRows => ({ data: Buffer.from(lines.join("")), rows: lines.length });

function* batches(records: Iterable<PackedRows>): Generator<readonly PackedRows[], void, void> {
  let batch: PackedRows[] = [];
  let bytes = 0;
  for (const record of records) {
    if (batch.length > 0 && (bytes + record.data.length > MAX_BATCH_BYTES || batch.length === MAX_BATCH_RECORDS)) {
      yield batch;
      batch = [];
      bytes = 0;
    }
    batch.push(record);
    bytes += record.data.length;
  }
  if (batch.length > 0) yield batch;
}
