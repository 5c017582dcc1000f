import type { Clock } from "../clock.ts";
import { reasonOf } from "../errors.ts";
import type { Faults } from "../faults.ts";
import { payloadLimitBytes, type FunctionOutcome } from "../function/function-host.ts";
import type { Notice } from "../types.ts";
import { kafkaEvent, restOf } from "./kafka-batch.ts";
import { TopicReader, type TopicRecord } from "./kafka-reader.ts";
import type { KafkaEndpoint, MappingSettings } from "./mapping-settings.ts";

export interface KafkaMappingContext {
  readonly settings: MappingSettings;
  readonly endpoint: KafkaEndpoint;
  readonly clock: Clock;
  readonly faults: Faults;
  readonly invoke: (event: Buffer) => Promise<FunctionOutcome>;
  readonly onNotice: (notice: Notice) => void;
}

/** A partition as the mapping has it: what was read and is not done with, and where the next read begins. */
interface Reading {
  next: bigint;
  held: TopicRecord[];
}

const IDLE_MILLIS = 100;
const FIRST_BACK_OFF_MILLIS = 50;
const LARGEST_BACK_OFF_MILLIS = 2_000;
/** How often it is looked for partitions that were added; Lambda takes minutes. */
const LIST_MILLIS = 1_000;
const EVENT_BYTES = 200;

/**
 * A mapping from a topic of a broker that is there already, in provisioned mode: one poller, whose batches mix partitions. A
 * partition that fails comes again from its lowest reported offset, and holds up no other; a batch that fails as a whole is
 * split.
 */
export class KafkaMapping {
  readonly settings: MappingSettings;
  readonly topic: string;
  private readonly context: KafkaMappingContext;
  private readonly reader: TopicReader;
  private readonly abort = new AbortController();
  private readonly partitions = new Map<number, Reading>();
  private running: Promise<void> | undefined;
  private listedAt = Number.NEGATIVE_INFINITY;
  private failures = 0;
  private first = 0;

  constructor(context: KafkaMappingContext) {
    this.context = context;
    this.settings = context.settings;
    this.topic = context.endpoint.topic;
    this.reader = new TopicReader(context.endpoint.bootstrapServers, this.topic);
  }

  start(): void {
    this.running = this.run();
  }

  async stop(): Promise<void> {
    this.abort.abort();
    await this.running;
    await this.reader.close();
  }

  /** Offsets that are not done with: markers of transactions among them, until they were read. */
  async behind(): Promise<number> {
    const count = await this.reader.partitions();
    let behind = 0;
    for (let partition = 0; partition < count; partition++) {
      const end = await this.reader.end(partition);
      const { next, held } = this.partitions.get(partition) ?? { next: await this.reader.begin(partition), held: [] };
      behind += held.length + Number(end > next ? end - next : 0n);
    }
    return behind;
  }

  private async run(): Promise<void> {
    const { signal } = this.abort;
    const { clock, settings, onNotice } = this.context;
    while (!signal.aborted) {
      try {
        await this.list();
        await this.fill();
        const batch = this.takeBatch();
        if (batch.length === 0) await clock.sleep(IDLE_MILLIS, signal);
        else await this.send(batch);
      } catch (error) {
        if (signal.aborted) return;
        onNotice({
          level: "warning",
          text: `${settings.logicalId}: reading ${this.topic} failed (${reasonOf(error)})`,
        });
        await clock.sleep(LIST_MILLIS, signal);
      }
    }
  }

  private async list(): Promise<void> {
    const now = this.context.clock.now();
    if (now < this.listedAt + LIST_MILLIS) return;
    this.listedAt = now;
    const count = await this.reader.partitions();
    for (let partition = this.partitions.size; partition < count; partition++) {
      this.partitions.set(partition, { next: await this.reader.begin(partition), held: [] });
    }
  }

  /** Reads until every partition has a batch, or nothing more, and waits no longer than the batching window. */
  private async fill(): Promise<void> {
    const { clock, settings } = this.context;
    const closesAt = clock.now() + settings.windowMillis;
    do {
      await Promise.all(
        [...this.partitions].map(async ([partition, reading]) => {
          if (reading.held.length >= settings.batchSize) return;
          const { records, next } = await this.reader.read(partition, reading.next);
          reading.held.push(...records);
          reading.next = next;
        }),
      );
      const held = [...this.partitions.values()].reduce((sum, reading) => sum + reading.held.length, 0);
      if (held === 0 || held >= settings.batchSize || this.failures > 0) return;
      await clock.sleep(IDLE_MILLIS, this.abort.signal);
    } while (!this.abort.signal.aborted && clock.now() < closesAt);
  }

  /** The next records of the partitions in turn, so that batches mix them; each partition's in its order. */
  private takeBatch(): readonly TopicRecord[] {
    const { settings, faults } = this.context;
    const readings = [...this.partitions.values()];
    const taken = readings.map(() => 0);
    const batch: TopicRecord[] = [];
    let bytes = EVENT_BYTES;
    // Another partition begins each time: one that fails for ever does not keep the others from being read.
    this.first++;
    for (let turn = 0, empty = 0; empty < readings.length && batch.length < settings.batchSize; turn++) {
      const i = (this.first + turn) % readings.length;
      const record = readings[i]!.held[taken[i]!];
      if (record === undefined) {
        empty++;
        continue;
      }
      empty = 0;
      bytes += record.bytes + 1;
      if (bytes > payloadLimitBytes && batch.length > 0) break;
      batch.push(record);
      taken[i]!++;
    }
    if (batch.length > 1 && faults.strikes("cutBatch")) {
      faults.injectedOne("cutBatch");
      return batch.slice(0, 1 + Math.floor(faults.fraction("cutBatch") * (batch.length - 1)));
    }
    return batch;
  }

  private async send(batch: readonly TopicRecord[]): Promise<void> {
    const { clock, settings } = this.context;
    const rest = await this.attempt(batch);
    if (rest.length === 0) {
      this.failures = 0;
      return;
    }
    this.failures++;
    await clock.sleep(
      Math.min(LARGEST_BACK_OFF_MILLIS, FIRST_BACK_OFF_MILLIS * 2 ** Math.min(this.failures, 20)),
      this.abort.signal,
    );
    if (rest.length < batch.length || rest.length === 1 || !settings.bisects || this.abort.signal.aborted) return;
    const middle = Math.ceil(rest.length / 2);
    await this.send(rest.slice(0, middle));
    // Of a partition whose first half failed the second must wait: what is held begins with the first.
    const isNext = (record: TopicRecord) => this.partitions.get(record.partition)?.held[0] === record;
    const second = new Set<number>(
      rest
        .slice(middle)
        .filter(isNext)
        .map(({ partition }) => partition),
    );
    const ready = rest.slice(middle).filter(({ partition }) => second.has(partition));
    if (ready.length > 0) await this.send(ready);
  }

  /** Sends a batch. @returns what of it must come again */
  private async attempt(batch: readonly TopicRecord[]): Promise<readonly TopicRecord[]> {
    const { settings, endpoint, faults, invoke, onNotice } = this.context;
    const outcome = await invoke(kafkaEvent(this.topic, endpoint.bootstrapServers, batch));
    if (this.abort.signal.aborted) return batch;
    if (outcome.ok && faults.strikes("repeatBatch")) {
      faults.injectedOne("repeatBatch");
      return batch;
    }
    const { rest, reason } = !outcome.ok
      ? { rest: batch, reason: `${outcome.failure.errorType}: ${outcome.failure.errorMessage}` }
      : settings.reportsItemFailures
        ? restOf(this.topic, batch, outcome.answer)
        : { rest: [], reason: undefined };
    if (reason !== undefined)
      onNotice({ level: "info", text: `${settings.logicalId}: ${rest.length} records to be sent again (${reason})` });
    const again = new Set(rest);
    const done = new Set(batch.filter((record) => !again.has(record)));
    for (const reading of this.partitions.values()) {
      if (reading.held.some((record) => done.has(record)))
        reading.held = reading.held.filter((record) => !done.has(record));
    }
    return rest;
  }
}
