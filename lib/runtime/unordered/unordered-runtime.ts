import { createHash } from "node:crypto";
import { systemicError } from "../../errors.ts";
import type { Changelog } from "../../state/changelog.ts";
import type { ObjectStore } from "../../state/object-store.ts";
import { taskName, type TaskId } from "../../state/task-id.ts";
import { END_OF_TIME } from "../../time/instant.ts";
import { Breakers } from "../breakers.ts";
import { KILLED } from "../dead-letter.ts";
import { Enrichment, type Lookups } from "../enrichment.ts";
import type { Fold } from "../fold.ts";
import { killed } from "../fold-errors.ts";
import { guarded } from "../guarded-writer.ts";
import type { Measure, Observer, TurnReport } from "../observer.ts";
import type { IncomingRecord } from "../record.ts";
import { noSink, otherDeployment, wholeLetter } from "../redrive.ts";
import { recordIn } from "../redriven-unit.ts";
import type { SinkWriters } from "../sink-writer.ts";
import type { RunnableStage } from "../stage-runtime.ts";
import type { ControlMessage } from "../tick.ts";
import { Trials } from "../trials.ts";
import { countsBetween } from "../turn-counts.ts";
import { Bench, condemned, RecordUnit } from "./bench.ts";
import { deliverAgain, deliverMade, type Made } from "./delivery.ts";
import { recordId } from "./record-id.ts";

/** A record of a source without order. Its `partitionKey` is the id that the source gave it. */
export interface UnorderedRecord extends IncomingRecord {
  /** Records of one group keep their order: what follows one that must come again comes again too. */
  readonly group?: string | undefined;
}

export interface UnorderedRuntimeSettings {
  readonly stage: RunnableStage;
  /** What the pipeline says a record's id is; undefined where its source's own is. */
  readonly idOf: ((value: never) => unknown) | undefined;
  readonly build: string;
  readonly objects: Pick<ObjectStore, "get">;
  /** Where attempts at suspect records are counted: nothing else is in it. */
  readonly changelog: Changelog;
  /** A text made anew at every call. */
  readonly newNonce: () => string;
  readonly writers: SinkWriters;
  readonly observer: Observer;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** @default those of every sink's default policy */
  readonly breakers?: Breakers;
  /** For a stage whose operators look things up. */
  readonly lookups?: Lookups;
}

/** What became of records. */
export interface Worked<R> {
  /** Those that must come again. */
  readonly again: ReadonlySet<R>;
  /** Why; undefined where none must. */
  readonly cause: Error | undefined;
}

/**
 * Runs a stage on records that have no order and no positions: no task, no changelog, nothing is kept. Each is folded on its own and
 * what comes of it is delivered, at least once; its ids are those of a task that is the record alone, in a commit of epoch 0: the
 * same at each attempt.
 */
export class UnorderedRuntime {
  readonly #settings: UnorderedRuntimeSettings;
  readonly #writers: SinkWriters;
  readonly #enrichment: Enrichment | undefined;
  readonly #trials: Trials;
  #bench: Bench;

  constructor(settings: UnorderedRuntimeSettings) {
    const { stage, now, lookups } = settings;
    const breakers = settings.breakers ?? new Breakers({ now, jitter: () => 1 });
    this.#settings = settings;
    this.#bench = new Bench(settings);
    const { build, changelog, newNonce, observer } = settings;
    this.#trials = new Trials(this.taskOf("trials"), {
      ...{ changelog, newNonce, observer, now },
      fold: { build },
      suspectAfter: 0,
    });
    this.#writers = guarded(settings.writers, breakers);
    const { preparation } = stage.program;
    if (preparation !== undefined && lookups === undefined) {
      throw systemicError({
        code: "enrich/no-lookups",
        message: `Stage "${stage.stage}" looks things up, and its runtime was not given what to do so.`,
      });
    }
    this.#enrichment = preparation && new Enrichment({ preparation, lookups: lookups!, breakers, now });
  }

  /** The name that ids of a record's outputs begin with. @param id of the record */
  taskOf(id: string): string {
    return taskName(this.#idOf(id));
  }

  /**
   * Works off records.
   *
   * @returns those that must come again; all others are done with
   * @throws infrastructure and systemic errors: then all must
   */
  async records<R extends UnorderedRecord>(records: readonly R[]): Promise<Worked<R>> {
    const units = records.map((record) => this.#unitOf(record));
    return this.#deliver(records, await this.#fold(records, units));
  }

  /**
   * Works off a record that may be what kills the process (X7): after three attempts that began and did not end it is a dead letter,
   * unseen. Attempts end before anything is delivered, so that a sink that is down makes no record suspect.
   *
   * @returns whether it must come again, and why
   * @throws infrastructure and systemic errors: then it must
   */
  async suspect<R extends UnorderedRecord>(record: R): Promise<Worked<R>> {
    const { partitionKey } = record;
    const folded = await this.#trials.alone(
      this.taskOf(`trial-${slotOf(record)}`),
      partitionKey,
      () => this.#fold([record], [this.#unitOf(record)]),
      () => this.#asideOnBench(record, killed()),
    );
    return this.#deliver([record], folded);
  }

  /** The same of records that come together: alone each, once it is known that one of them ends the process. */
  async suspects<R extends UnorderedRecord>(records: readonly R[]): Promise<Worked<R>> {
    const [first] = records;
    if (first === undefined) return { again: new Set(), cause: undefined };
    const together = await this.#trials.alone(
      this.taskOf(`trials-${slotOf(first)}`),
      `${first.partitionKey} and ${records.length - 1} more`,
      () =>
        this.#fold(
          records,
          records.map((record) => this.#unitOf(record)),
        ),
      () => undefined,
    );
    if (together !== undefined) return this.#deliver(records, together);
    for (const [i, record] of records.entries()) {
      const { cause } = await this.suspect(record);
      if (cause !== undefined) return { again: new Set(records.slice(i)), cause };
    }
    return { again: new Set(), cause: undefined };
  }

  /** Makes a dead letter of a record, unseen. @param thrown why @returns whether it must come again, and why */
  setAside<R extends UnorderedRecord>(record: R, thrown: unknown): Promise<Worked<R>> {
    return this.#deliver([record], this.#asideOnBench(record, thrown));
  }

  #asideOnBench<R extends UnorderedRecord>(record: R, thrown: unknown): Folded<R> {
    const unit = condemned(record, this.#settings.stage.source, thrown);
    return this.#onBench(
      [record],
      (fold) => fold.unordered(unit),
      () => recordId(record.partitionKey),
    );
  }

  async #fold<R extends UnorderedRecord>(records: readonly R[], units: readonly RecordUnit[]): Promise<Folded<R>> {
    const answers = await this.#enrichment?.answersFor(units);
    return this.#onBench(
      records,
      (fold, i) => {
        fold.answers = answers ?? fold.answers;
        fold.unordered(units[i]!);
      },
      (i) => units[i]!.id,
    );
  }

  /** Folds one after the other, and nothing in between. */
  #onBench<R>(records: readonly R[], fold: (fold: Fold, i: number) => void, idOf: (i: number) => string): Folded<R> {
    const bench = this.#bench;
    const { origin, state } = bench;
    const [before, poison] = [state.counters.byOperator(), state.poison.snapshot()];
    try {
      const made = records.map((record, i): Made<R> => {
        const id = this.#idOf(idOf(i));
        Object.assign(origin, { task: taskName(id), partition: id.partition });
        fold(bench.fold, i);
        return { record, task: origin.task, outputs: bench.fold.complete() };
      });
      bench.fold.takeTraces();
      const counts = countsBetween(before, state.counters.byOperator());
      return { made, counts, measures: bench.fold.takeMeasures() };
    } catch (thrown) {
      this.#bench = new Bench(this.#settings, poison); // what records before it were stays known (X10)
      throw thrown;
    }
  }

  async #deliver<R extends UnorderedRecord>(
    records: readonly R[],
    { made, counts, measures }: Folded<R>,
  ): Promise<Worked<R>> {
    const { observer, now } = this.#settings;
    observer.measured?.(this.taskOf("batch"), 0, measures);
    const { records: undelivered, cause } = await deliverMade(this.#writers, made);
    observer.turn({
      ...NOTHING_KEPT,
      task: this.taskOf("batch"),
      records: records.length,
      folded: records.length,
      counts,
      outputs: made.reduce((sum, { outputs }) => sum + outputs.length, 0),
      deliveredAt: cause === undefined ? now() : undefined,
    });
    return { again: withFollowers(records, undelivered), cause };
  }

  /**
   * Does what a message says: takes a dead letter back. Nothing else is said to a stage that keeps nothing.
   *
   * @param receives how often the message was received, this time included
   * @throws what stands in the way; then the message must come again
   */
  async control(message: ControlMessage, receives = 1): Promise<void> {
    if (message.type !== "redrive") return;
    const { letter: queued } = message;
    const own = this.taskOf("");
    if (!queued.task.startsWith(own)) throw otherDeployment(queued, own);
    const letter = await wholeLetter(queued, this.#settings.objects);
    const record = recordIn(letter);
    const { output } = letter;
    if (record === undefined && (output === undefined || !this.#writers.has(output.sink))) throw noSink(letter);
    if (record === undefined) return deliverAgain(this.#writers, letter.task, output!);
    const isSuspect = receives > 1 || letter.reason.code === KILLED;
    const { cause } = await (isSuspect ? this.suspect(record) : this.records([record]));
    if (cause !== undefined) throw cause;
  }

  #idOf(id: string): TaskId {
    const { pipeline, generation, stage, source, incarnation } = this.#settings.stage;
    return { pipeline, generation, stage, source, incarnation, partition: id };
  }

  #unitOf(record: UnorderedRecord): RecordUnit {
    const { stage, idOf } = this.#settings;
    return new RecordUnit(record, stage.intake.unitsOfLetter(record)[0]!, idOf);
  }
}

/** Items that attempts are counted in. Few things are suspect at a time, and those that share one only come once more often. */
const TRIAL_ITEMS = 256;

const slotOf = ({ group, partitionKey }: UnorderedRecord): number =>
  createHash("sha256")
    .update(group ?? partitionKey)
    .digest()
    .readUInt32BE() % TRIAL_ITEMS;

/** What came of records, and is not delivered yet. */
interface Folded<R> {
  readonly made: readonly Made<R>[];
  readonly counts: TurnReport["counts"];
  readonly measures: readonly Measure[];
}

/** Of a group, all that comes after one that comes again comes again. */
function withFollowers<R extends UnorderedRecord>(records: readonly R[], again: ReadonlySet<R>): ReadonlySet<R> {
  const stopped = new Set<string>();
  return new Set(
    records.filter((record) => {
      const { group } = record;
      const comes = again.has(record) || (group !== undefined && stopped.has(group));
      if (comes && group !== undefined) stopped.add(group);
      return comes;
    }),
  );
}

/** What a turn tells of a task, of what is none: event time has no meaning, so that nobody waits for it. */
const NOTHING_KEPT = {
  trigger: "records",
  epoch: 0,
  hotKey: undefined,
  stateEntries: new Map<string, number>(),
  stateBytes: 0,
  stateMemory: 0,
  watermark: END_OF_TIME,
  watermarkBefore: END_OF_TIME,
  commitBytes: 0,
  spilled: false,
  checkpointed: false,
  catchUpBytes: 0,
  conflicts: 0,
  redeliveries: 0,
  committedAt: undefined,
} as const;
