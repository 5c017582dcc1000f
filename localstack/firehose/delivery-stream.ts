import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Metrics } from "../metrics/metrics.ts";
import type { Notice } from "../types.ts";
import { DeliveryBuffer } from "./delivery-buffer.ts";
import type { DeliverySettings } from "./delivery-settings.ts";
import type { Conversion, Rejected } from "./format-conversion.ts";
import type { Committed } from "./iceberg/commit-entry.ts";
import type { IcebergSettings } from "./iceberg/iceberg-settings.ts";
import { EMPTY, type TableState } from "./iceberg/table-state.ts";
import { deliveryKey, failureKey, partitionPrefixes, type ErrorOutput, type Prefixes } from "./object-key.ts";
import { partitionsOf } from "./row-partitions.ts";

/** AWS's quota, which it raises on request. */
export const mostActivePartitions = 500;

/** How long a file that could not be written waits before the next attempt. AWS tries for a day; here there is no end. */
const retryMillis = 1_000;

export interface DeliveryContext {
  readonly clock: Clock;
  readonly timeScale: number;
  /** How many partitions one delivery stream holds at a time. @default {@link mostActivePartitions} */
  readonly activePartitions?: number;
  /** The compiled file that converts in a thread. */
  readonly conversionEntry: string;
  /** The compiled file that commits to an Iceberg table in a thread. */
  readonly commitEntry: string;
  readonly putObject: (bucket: string, key: string, body: Buffer) => void;
  readonly metrics: Metrics;
  readonly onNotice: (notice: Notice) => void;
}

/** One delivery stream: holds records until a buffer is full or old enough, then writes them as one object. */
export class DeliveryStream {
  settings: DeliverySettings;
  private readonly context: DeliveryContext;
  private readonly abort = new AbortController();
  /** By prefix: one for all records, or one a partition. */
  private readonly buffers = new Map<string, DeliveryBuffer>();
  private readonly writing = new Set<Promise<void>>();
  /** The table that rows are merged into, and the commit that is under way: the next one waits for it. */
  private table: Promise<TableState> = Promise.resolve({ uuid: randomUUID(), ...EMPTY });
  private held = 0;
  private written = 0;

  constructor(settings: DeliverySettings, context: DeliveryContext) {
    this.settings = settings;
    this.context = context;
  }

  put(data: Buffer): string {
    const { prefixes, partitioning } = this.settings;
    if (partitioning === undefined) this.hold(prefixes, data);
    else {
      const partitions = partitionsOf(data, partitioning);
      if (typeof partitions === "string") this.fail("processing-failed", data, partitions);
      else for (const { values, rows } of partitions) this.holdRows(values, rows);
    }
    return randomUUID();
  }

  /** How many rows were taken to be written, and how many were. */
  get rows(): { readonly held: number; readonly written: number } {
    return { held: this.held, written: this.written };
  }

  update(settings: DeliverySettings): void {
    this.settings = settings;
  }

  /** Writes what is held, and resolves when all that was being written is in S3. */
  async flush(): Promise<void> {
    for (const buffer of [...this.buffers.values()]) this.deliver(buffer);
    while (this.writing.size > 0) await Promise.all(this.writing);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    for (const { taken } of this.buffers.values()) taken.abort();
    await Promise.all(this.writing);
  }

  private holdRows(values: Readonly<Record<string, string>>, rows: readonly string[]): void {
    const prefixes = partitionPrefixes(this.settings.prefixes, values);
    const { activePartitions: most = mostActivePartitions, metrics } = this.context;
    if (!this.buffers.has(prefixes.prefix) && this.buffers.size >= most) {
      this.fail("activePartitionExceeded", Buffer.from(rows.join("\n")), `more than ${most} partitions are active`);
      metrics.add("AWS/Firehose", "PartitionCountExceeded", { DeliveryStreamName: this.settings.name }, 1);
    } else for (const row of rows) this.hold(prefixes, Buffer.from(row));
  }

  private hold(prefixes: Prefixes, data: Buffer): void {
    const buffer = this.buffers.get(prefixes.prefix) ?? this.begin(prefixes);
    buffer.add(data);
    this.held += 1;
    if (buffer.bytes >= this.settings.bufferBytes) this.deliver(buffer);
  }

  private begin(prefixes: Prefixes): DeliveryBuffer {
    const { clock, timeScale } = this.context;
    const buffer = new DeliveryBuffer(prefixes, clock.now());
    this.buffers.set(prefixes.prefix, buffer);
    void clock.sleep(this.settings.bufferMillis / timeScale, buffer.taken.signal).then(() => {
      if (!buffer.taken.signal.aborted) this.deliver(buffer);
    });
    return buffer;
  }

  private deliver(buffer: DeliveryBuffer): void {
    buffer.taken.abort();
    this.buffers.delete(buffer.prefixes.prefix);
    const work = this.writeAtLast(buffer).finally(() => {
      this.writing.delete(work);
      this.written += buffer.records.length;
    });
    this.writing.add(work);
  }

  /** Tries until it is written, by the settings of then: what is taken is kept. */
  private async writeAtLast(buffer: DeliveryBuffer): Promise<void> {
    const { signal } = this.abort;
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        return await this.write(buffer);
      } catch (error) {
        if (signal.aborted) return;
        if (attempt === 1) {
          const text = `${this.settings.name}: delivery failed, ${buffer.records.length} records wait (${reasonOf(error)})`;
          this.context.onNotice({ level: "warning", text });
        }
        await this.context.clock.sleep(retryMillis, signal);
      }
    }
  }

  private async write(buffer: DeliveryBuffer): Promise<void> {
    const { prefixes, records, oldestMillis: arrival } = buffer;
    const { name, bucket, extension, conversion, gzip, delimiter, iceberg } = this.settings;
    const { putObject } = this.context;
    if (iceberg !== undefined) return this.commit(buffer, iceberg);
    const key = () => deliveryKey(name, prefixes, extension, arrival);
    if (conversion === undefined) {
      const newline = Buffer.from("\n");
      const body = Buffer.concat(delimiter ? records.flatMap((record) => [record, newline]) : records);
      putObject(bucket, key(), gzip ? gzipSync(body) : body);
      return;
    }
    const settings = conversion;
    const { parquet, rejected } = await this.inThread<Conversion>(this.context.conversionEntry, records, { settings });
    if (this.abort.signal.aborted) return;
    if (parquet !== undefined)
      putObject(bucket, key(), Buffer.from(parquet.buffer, parquet.byteOffset, parquet.byteLength));
    this.count("FailedConversion.Records", rejected.length);
    if (rejected.length > 0) this.setAside(buffer, rejected, "format-conversion-failed");
  }

  /** One commit after the other, as each is made on top of the one before. */
  private async commit(buffer: DeliveryBuffer, settings: IcebergSettings): Promise<void> {
    const { clock, commitEntry, putObject } = this.context;
    const before = this.table;
    const [, bucket = "", prefix = ""] = /^s3:\/\/([^/]+)\/(.*)$/.exec(settings.location) ?? [];
    const work = before.then(async (state) => {
      const input = { settings, before: state, now: clock.now() };
      const committed = await this.inThread<Committed>(commitEntry, buffer.records, input);
      if (this.abort.signal.aborted) return committed;
      // Where one cannot be written the table stays as it was, and all is tried again.
      for (const { path, bytes } of committed.objects)
        putObject(bucket, `${prefix}/${path}`, Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
      return committed;
    });
    this.table = work.then(({ state }) => state).catch(() => before);
    const { rejected, rows } = await work;
    if (this.abort.signal.aborted) return;
    this.count("DeliveryToIceberg.SuccessfulRowCount", rows);
    this.count("DeliveryToIceberg.FailedRowCount", rejected.length);
    if (rejected.length > 0) this.setAside(buffer, rejected, "iceberg-failed");
  }

  private count(metric: string, value: number): void {
    this.context.metrics.add("AWS/Firehose", metric, { DeliveryStreamName: this.settings.name }, value);
  }

  /** Writes what was not delivered below the error prefix. */
  private setAside(
    { prefixes, records, oldestMillis }: DeliveryBuffer,
    rejected: readonly Rejected[],
    error: ErrorOutput,
  ) {
    const { name, bucket } = this.settings;
    const key = failureKey(name, prefixes, oldestMillis, error);
    this.context.putObject(bucket, key, this.failureDocument(records, rejected, oldestMillis));
    this.context.onNotice({
      level: "warning",
      text: `${name}: ${rejected.length} of ${records.length} records did not convert (${rejected[0]?.errorMessage ?? ""})`,
    });
  }

  /** Sets aside a record that belongs to no partition. */
  private fail(error: "processing-failed" | "activePartitionExceeded", data: Buffer, reason: string): void {
    const { name, bucket, prefixes } = this.settings;
    const { clock, putObject, onNotice } = this.context;
    const rejected = [{ index: 0, errorCode: `DynamicPartitioning.${error}`, errorMessage: reason }];
    const key = failureKey(name, prefixes, clock.now(), error);
    putObject(bucket, key, this.failureDocument([data], rejected, clock.now()));
    onNotice({ level: "warning", text: `${name}: a record has no partition (${reason})` });
  }

  private inThread<Result>(entry: string, records: readonly Buffer[], data: object): Promise<Result> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(entry, {
        execArgv: [],
        workerData: { bytes: Buffer.concat(records), lengths: records.map((record) => record.length), ...data },
      });
      const stop = () => void worker.terminate();
      this.abort.signal.addEventListener("abort", stop, { once: true });
      worker.once("message", (result: Result) => resolve(result));
      worker.once("error", reject);
      worker.once("exit", () => {
        this.abort.signal.removeEventListener("abort", stop);
        reject(new Error("the conversion ended without a result"));
      });
    });
  }

  /** A JSON document a record, one a line, as Firehose writes them. */
  private failureDocument(records: readonly Buffer[], rejected: readonly Rejected[], arrivalTimestamp: number): Buffer {
    const { conversion, iceberg } = this.settings;
    const lines = rejected.map(({ index, errorCode, errorMessage }) =>
      JSON.stringify({
        attemptsMade: 1,
        arrivalTimestamp,
        errorCode,
        errorMessage,
        lastErrorCode: errorCode,
        lastErrorMessage: errorMessage,
        attemptEndingTimestamp: this.context.clock.now(),
        rawData: records[index]?.toString("base64"),
        sequenceNumber: null,
        subSequenceNumber: null,
        dataCatalogTable: {
          databaseName: (conversion ?? iceberg)?.database,
          tableName: (conversion ?? iceberg)?.table,
          region: "us-east-1",
          versionId: "LATEST",
        },
      }),
    );
    return Buffer.from(`${lines.join("\n")}\n`);
  }
}
