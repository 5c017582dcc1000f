import { randomUUID } from "node:crypto";
import { Worker } from "node:worker_threads";
import { gzipSync } from "node:zlib";
import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Notice } from "../types.ts";
import type { DeliverySettings } from "./delivery-settings.ts";
import type { Conversion, Rejected } from "./format-conversion.ts";
import { deliveryKey, failureKey } from "./object-key.ts";

export interface DeliveryContext {
  readonly clock: Clock;
  readonly timeScale: number;
  /** The compiled file that converts in a thread. */
  readonly conversionEntry: string;
  readonly putObject: (bucket: string, key: string, body: Buffer) => void;
  readonly onNotice: (notice: Notice) => void;
}

/** One delivery stream: holds records until its buffer is full or old enough, then writes them as one object. */
export class DeliveryStream {
  readonly settings: DeliverySettings;
  private readonly context: DeliveryContext;
  private readonly abort = new AbortController();
  private held: Buffer[] = [];
  private heldBytes = 0;
  private oldestMillis = 0;
  private filling = new AbortController();
  private readonly writing = new Set<Promise<void>>();

  constructor(settings: DeliverySettings, context: DeliveryContext) {
    this.settings = settings;
    this.context = context;
  }

  put(data: Buffer): string {
    if (this.held.length === 0) this.startInterval();
    this.held.push(data);
    this.heldBytes += data.length;
    if (this.heldBytes >= this.settings.bufferBytes) this.deliver();
    return randomUUID();
  }

  /** Writes what is held, and resolves when all that was being written is in S3. */
  async flush(): Promise<void> {
    this.deliver();
    while (this.writing.size > 0) await Promise.all(this.writing);
  }

  async stop(): Promise<void> {
    this.abort.abort();
    this.filling.abort();
    await Promise.all(this.writing);
  }

  private startInterval(): void {
    const { clock, timeScale } = this.context;
    this.oldestMillis = clock.now();
    const filling = new AbortController();
    this.filling = filling;
    void clock.sleep(this.settings.bufferMillis / timeScale, filling.signal).then(() => {
      if (!filling.signal.aborted) this.deliver();
    });
  }

  private deliver(): void {
    this.filling.abort();
    if (this.held.length === 0) return;
    const records = this.held;
    const arrival = this.oldestMillis;
    this.held = [];
    this.heldBytes = 0;
    const work = this.write(records, arrival)
      .catch((error: unknown) => {
        if (this.abort.signal.aborted) return;
        this.context.onNotice({
          level: "warning",
          text: `${this.settings.name}: delivery failed, ${records.length} records lost (${reasonOf(error)})`,
        });
      })
      .finally(() => this.writing.delete(work));
    this.writing.add(work);
  }

  private async write(records: readonly Buffer[], arrival: number): Promise<void> {
    const { name, bucket, prefixes, extension, conversion, gzip, delimiter } = this.settings;
    const { putObject } = this.context;
    const key = () => deliveryKey(name, prefixes, extension, arrival);
    if (conversion === undefined) {
      const newline = Buffer.from("\n");
      const body = Buffer.concat(delimiter ? records.flatMap((record) => [record, newline]) : records);
      putObject(bucket, key(), gzip ? gzipSync(body) : body);
      return;
    }
    const { parquet, rejected } = await this.convert(records);
    if (this.abort.signal.aborted) return;
    if (parquet !== undefined)
      putObject(bucket, key(), Buffer.from(parquet.buffer, parquet.byteOffset, parquet.byteLength));
    if (rejected.length > 0) {
      putObject(bucket, failureKey(name, prefixes, arrival), this.failureDocument(records, rejected, arrival));
      this.context.onNotice({
        level: "warning",
        text: `${name}: ${rejected.length} of ${records.length} records did not convert (${rejected[0]?.errorMessage ?? ""})`,
      });
    }
  }

  private convert(records: readonly Buffer[]): Promise<Conversion> {
    return new Promise((resolve, reject) => {
      const worker = new Worker(this.context.conversionEntry, {
        execArgv: [],
        workerData: {
          bytes: Buffer.concat(records),
          lengths: records.map((record) => record.length),
          settings: this.settings.conversion,
        },
      });
      const stop = () => void worker.terminate();
      this.abort.signal.addEventListener("abort", stop, { once: true });
      worker.once("message", (conversion: Conversion) => resolve(conversion));
      worker.once("error", reject);
      worker.once("exit", () => {
        this.abort.signal.removeEventListener("abort", stop);
        reject(new Error("the conversion ended without a result"));
      });
    });
  }

  /** A JSON document a record, one a line, as Firehose writes them. */
  private failureDocument(records: readonly Buffer[], rejected: readonly Rejected[], arrivalTimestamp: number): Buffer {
    const { conversion } = this.settings;
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
          databaseName: conversion?.database,
          tableName: conversion?.table,
          region: "us-east-1",
          versionId: "LATEST",
        },
      }),
    );
    return Buffer.from(`${lines.join("\n")}\n`);
  }
}
