import type { SimulatedClock } from "./clock.ts";
import type { Draws, DrawStream } from "./draws.ts";
import type { Environment, Outcome } from "./environments.ts";
import type { Faults } from "./faults.ts";
import type { Shard, SimulatedStream, StreamRecord } from "./stream.ts";

export interface MappingSettings {
  readonly clock: SimulatedClock;
  readonly faults: Faults;
  readonly draws: Draws;
  readonly stream: SimulatedStream;
  /** Records in a batch, at most. */
  readonly batchSize: number;
  /** Milliseconds between two attempts at a batch, at most. */
  readonly longestPause: number;
  readonly invoke: (
    shard: Shard,
    batch: readonly StreamRecord[],
    end: (outcome: Outcome, environment: Environment) => void,
  ) => void;
  /** Is told of every batch that counts as done. */
  readonly onSuccess: (shard: Shard, batch: readonly StreamRecord[]) => void;
}

interface Reader {
  readonly shard: Shard;
  readonly draws: DrawStream;
  /** All records before are done with. */
  done: number;
  /** Ends of what is still to be retried, the next one last: a batch that failed comes again in halves. */
  readonly ends: number[];
  attempts: number;
  isBusy: boolean;
  lastBatch: readonly StreamRecord[];
}

/**
 * The stream's event source mapping: one batch at a time of each shard, at least once, retried for ever, with growing
 * pauses. A batch that fails as a whole is bisected; of one that fails in part the rest comes again. A shard made of
 * others is read before they are done, or after.
 */
export class Mapping {
  readonly #settings: MappingSettings;
  readonly #readers = new Map<Shard, Reader>();
  batches = 0;
  /** Batches cut in halves. */
  bisected = 0;
  /** What stood in the way last, by shard. */
  readonly lastErrors = new Map<Shard, unknown>();

  constructor(settings: MappingSettings) {
    this.#settings = settings;
  }

  /** Whether all of a shard was processed, or given up. */
  isDone(shard: Shard): boolean {
    const done = this.#readers.get(shard)?.done ?? 0;
    return shard.records.slice(done).every(({ dropped }) => dropped);
  }

  /** A shard has something to read. */
  wake(shard: Shard): void {
    const reader = this.#readerOf(shard);
    if (!reader.isBusy) this.#pollAfter(reader, reader.draws.between(0, 1_000));
  }

  #readerOf(shard: Shard): Reader {
    let reader = this.#readers.get(shard);
    if (reader === undefined) {
      const draws = this.#settings.draws.stream(`reader of ${shard.place}`);
      reader = { shard, draws, done: 0, ends: [], attempts: 0, isBusy: false, lastBatch: [] };
      this.#readers.set(shard, reader);
      // AWS documents no order between a shard and what it was made of.
      if (shard.parents.length > 0 && draws.chance(0.5)) this.#waitForParents(reader);
    }
    return reader;
  }

  #waitForParents(reader: Reader): void {
    reader.isBusy = true;
    const look = (pause: number) => {
      if (reader.shard.parents.every((parent) => this.isDone(parent))) {
        reader.isBusy = false;
        this.#poll(reader);
      } else this.#settings.clock.after(pause, () => look(Math.min(2 * pause, 60_000)));
    };
    look(1_000);
  }

  #pollAfter(reader: Reader, millis: number): void {
    reader.isBusy = true;
    this.#settings.clock.after(millis, () => {
      reader.isBusy = false;
      this.#poll(reader);
    });
  }

  #poll(reader: Reader): void {
    const { shard } = reader;
    this.#dropExpired(reader);
    const waiting = shard.records.length - reader.done;
    if (waiting === 0) return;
    const end = reader.ends.at(-1) ?? reader.done + this.#sizeOf(reader, waiting);
    if (reader.ends.length === 0) reader.ends.push(end);
    const batch = shard.records.slice(reader.done, end);
    reader.isBusy = true;
    this.batches++;
    this.#repeat(reader, batch);
    reader.lastBatch = batch;
    this.#settings.invoke(shard, batch, (outcome) => {
      reader.isBusy = false;
      const fault = this.#settings.faults.at(`answers about ${shard.place}`, ["lost-response"]);
      if (outcome.kind === "returned" && fault === undefined) this.#succeeded(reader, batch, end);
      else this.#failed(reader, outcome, end);
    });
  }

  #sizeOf({ draws }: Reader, waiting: number): number {
    const most = Math.min(waiting, this.#settings.batchSize);
    return draws.chance(0.5) ? most : draws.between(1, most);
  }

  #succeeded(reader: Reader, batch: readonly StreamRecord[], end: number): void {
    reader.done = end;
    reader.ends.pop();
    reader.attempts = 0;
    this.#settings.onSuccess(reader.shard, batch);
    this.#pollAfter(reader, reader.draws.between(0, 200));
  }

  #failed(reader: Reader, outcome: Outcome, end: number): void {
    const { faults, longestPause } = this.#settings;
    if (outcome.kind === "threw") this.lastErrors.set(reader.shard, outcome.thrown);
    if (faults.at(`retries of ${reader.shard.place}`, ["recut"]) !== undefined) {
      reader.ends.length = 0;
    } else if (outcome.kind === "died" && end - reader.done > 1) {
      this.bisected++;
      reader.ends.push(reader.done + Math.ceil((end - reader.done) / 2));
    }
    reader.attempts++;
    const pause = Math.min(500 * 2 ** Math.min(reader.attempts, 30), longestPause);
    this.#pollAfter(reader, Math.round(pause * (0.5 + reader.draws.next() / 2)));
  }

  /** At least once: another instance may be given the same batch, or one that was done long ago. */
  #repeat({ shard, lastBatch, draws }: Reader, batch: readonly StreamRecord[]): void {
    const { faults, invoke, clock } = this.#settings;
    const fault = faults.at(`batches of ${shard.place}`, ["doubled", "replayed"]);
    if (fault?.kind === "doubled") {
      clock.after(fault.draws.around(50), () => invoke(shard, batch, () => undefined));
    } else if (fault?.kind === "replayed" && lastBatch.length > 0) {
      const part = lastBatch.slice(0, draws.between(1, lastBatch.length));
      clock.after(fault.draws.around(30_000), () => invoke(shard, part, () => undefined));
    }
  }

  /** What the stream has forgotten is lost, and is not retried. */
  #dropExpired(reader: Reader): void {
    const { stream } = this.#settings;
    const { records } = reader.shard;
    while (reader.done < records.length && stream.isExpired(records[reader.done]!)) {
      records[reader.done]!.dropped = true;
      reader.done++;
    }
    while (reader.ends.length > 0 && reader.ends.at(-1)! <= reader.done) reader.ends.pop();
  }
}
