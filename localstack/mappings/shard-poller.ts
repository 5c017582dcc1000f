import { reasonOf } from "../errors.ts";
import { payloadLimitBytes } from "../function/function-host.ts";
import { runBatch, type BatchRunnerContext } from "./batch-runner.ts";
import type { ShardRead, ShardReader } from "./shard-reader.ts";
import { envelopeBytes, type StreamRecord, type WireRecord } from "./stream-record.ts";

/** AWS asks an idle shard once a second; here a put wakes the poller, and this is for what no put announces. */
const idleMillis = 1_000;

/**
 * One shard of one mapping: reads it in order, forms batches, and has one in flight at a time. The next records
 * are read while a batch is with the function.
 */
export class ShardPoller {
  private readonly reader: ShardReader;
  private readonly toRecord: (record: WireRecord) => StreamRecord;
  private readonly context: BatchRunnerContext;
  private readonly held: StreamRecord[] = [];
  private reading: Promise<void> | undefined;
  private atTip = false;
  private ended = false;
  private woken = false;
  private wakeUp: (() => void) | undefined;

  constructor(reader: ShardReader, toRecord: (record: WireRecord) => StreamRecord, context: BatchRunnerContext) {
    this.reader = reader;
    this.toRecord = toRecord;
    this.context = context;
  }

  /** To be called when the shard may have something new. */
  wake(): void {
    this.woken = true;
    this.wakeUp?.();
  }

  /** Runs until the shard is closed and all of it is dealt with, or the signal is aborted. */
  async run(): Promise<void> {
    const { signal } = this.context;
    while (!signal.aborted) {
      await this.fill();
      if (signal.aborted) return;
      if (this.held.length === 0) {
        if (this.ended) return;
        await this.nap(idleMillis);
        continue;
      }
      const batch = this.takeBatch();
      if (!this.ended && this.held.length < this.context.settings.batchSize) void this.readMore();
      await runBatch(batch, this.context);
    }
  }

  /** Reads until a batch is full, the tip is reached, and the batching window is over. */
  private async fill(): Promise<void> {
    const { settings, clock, signal } = this.context;
    if (!this.isFull()) await this.readMore();
    let closesAt: number | undefined;
    while (!signal.aborted && !this.ended && !this.isFull()) {
      if (!this.atTip) {
        await this.readMore();
        continue;
      }
      if (this.held.length === 0) return;
      closesAt ??= clock.now() + settings.windowMillis;
      const left = closesAt - clock.now();
      if (left <= 0) return;
      await this.nap(left);
      await this.readMore();
    }
  }

  private isFull(): boolean {
    const { batchSize } = this.context.settings;
    if (this.held.length >= batchSize) return true;
    let bytes = envelopeBytes;
    for (const record of this.held) {
      bytes += record.bytes + 1;
      if (bytes > payloadLimitBytes) return true;
    }
    return false;
  }

  private takeBatch(): readonly StreamRecord[] {
    const { settings, faults } = this.context;
    let count = 0;
    let bytes = envelopeBytes;
    for (const record of this.held) {
      bytes += record.bytes + 1;
      // A record alone beyond the limit is sent nevertheless, and fails as it would.
      if (count === settings.batchSize || (bytes > payloadLimitBytes && count > 0)) break;
      count += 1;
    }
    if (count > 1 && faults.strikes("cutBatch")) {
      faults.injectedOne("cutBatch");
      count = 1 + Math.floor(faults.fraction("cutBatch") * (count - 1));
    }
    return this.held.splice(0, count);
  }

  private readMore(): Promise<void> {
    this.reading ??= this.readOnce().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readOnce(): Promise<void> {
    const { signal, settings, onNotice } = this.context;
    if (this.ended) return;
    // What is announced from here on may not be in this read.
    this.woken = false;
    let read: ShardRead;
    try {
      read = await this.reader.read(signal);
    } catch (error) {
      if (signal.aborted) return;
      onNotice({
        level: "warning",
        text: `${settings.logicalId}: reading the stream failed (${reasonOf(error)}); trying again`,
      });
      await this.context.clock.sleep(idleMillis, signal);
      return;
    }
    let skipped = 0;
    for (const wire of read.records) {
      if (wire.ApproximateArrivalTimestamp * 1000 < settings.startMillis) skipped += 1;
      else this.held.push(this.toRecord(wire));
    }
    if (skipped > 0) this.context.onDone(skipped);
    this.atTip = read.records.length === 0;
    this.ended = read.ended;
  }

  /** Waits until something new is announced, but no longer than this. */
  private async nap(millis: number): Promise<void> {
    if (this.woken) return;
    const woken = new AbortController();
    const stop = () => woken.abort();
    this.context.signal.addEventListener("abort", stop, { once: true });
    this.wakeUp = stop;
    await this.context.clock.sleep(millis, woken.signal);
    this.wakeUp = undefined;
    this.context.signal.removeEventListener("abort", stop);
  }
}
