import { MillraceError, systemicError } from "../errors.ts";
import type { StageProgram } from "../operators/program.ts";
import type { Changelog } from "../state/changelog.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { hashOf } from "../state/hash-range.ts";
import { heirOf } from "../state/inheritance.ts";
import { parseTaskName, taskName, type TaskId } from "../state/task-id.ts";
import { CatchUp } from "./catch-up.ts";
import { Breakers } from "./breakers.ts";
import { Debts } from "./debts.ts";
import { guarded } from "./guarded-writer.ts";
import type { Wait } from "./retries.ts";
import { Enrichment, type Lookups } from "./enrichment.ts";
import { CommitWriter, type WriterLimits } from "./commit-writer.ts";
import { Delivery } from "./delivery.ts";
import type { Observer, TurnReport } from "./observer.ts";
import type { Intake } from "./intake.ts";
import type { IncomingRecord } from "./record.ts";
import type { SinkWriters } from "./sink-writer.ts";
import type { SourcePartitions } from "./source-partitions.ts";
import { KILLED } from "./dead-letter.ts";
import { noHeir, noSink, otherDeployment, routingKeyOf, wholeLetter, type QueuedLetter } from "./redrive.ts";
import { PARENT_NOT_DONE } from "./task-errors.ts";
import { TaskCache } from "./task-cache.ts";
import { Task } from "./task.ts";
import { sweepOutput, TICKS, type ControlMessage } from "./tick.ts";

/** A stage that can be run, and of which deployment it is. */
export interface RunnableStage {
  readonly pipeline: string;
  readonly generation: number;
  readonly stage: string;
  /** The source, or the shuffle that it reads: named like the stage. */
  readonly source: string;
  readonly incarnation: number;
  readonly program: StageProgram;
  /** How its records become values. */
  readonly intake: Intake;
  /** Milliseconds of silence after which event time moves by itself; infinity for never. */
  readonly idle: number;
  /** Above this share of poison a task stops (X10). */
  readonly poisonShare: number;
}

export interface StageRuntimeSettings {
  readonly stage: RunnableStage;
  /** Names the build in envelopes: another build's poison says nothing of it. */
  readonly build: string;
  readonly changelog: Changelog;
  readonly objects: ObjectStore;
  readonly writers: SinkWriters;
  readonly partitions: SourcePartitions;
  readonly observer: Observer;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** A text made anew at every call. */
  readonly newNonce: () => string;
  /** Milliseconds after its arrival from which a record that comes alone may be one that kills the process (X7). */
  readonly suspectAfter: number;
  /** @default those of every sink's default policy */
  readonly breakers?: Breakers;
  /** Where being invoked again may cost more than waiting does. @default nothing waits */
  readonly holds?: { readonly wait: Wait; readonly breakEven: number };
  /** For a stage whose operators look things up. */
  readonly lookups?: Lookups;
  /** Bytes of states, as they are written, that may be kept between turns. @default any number of them */
  readonly cacheBytes?: number;
  /** @default WRITER_LIMITS */
  readonly limits?: WriterLimits;
}

/** What an execution environment holds: the tasks of one stage that it has met, and what they work with. */
export class StageRuntime {
  readonly #settings: StageRuntimeSettings;
  readonly #catchUp: CatchUp;
  readonly #writer: CommitWriter;
  readonly #writers: SinkWriters;
  readonly #debts: Debts;
  readonly #delivery: Delivery;
  readonly #enrichment: Enrichment | undefined;
  readonly #tasks: TaskCache<Task>;

  constructor(settings: StageRuntimeSettings) {
    const { changelog, objects, writers, stage, build, newNonce, limits, now } = settings;
    this.#settings = settings;
    this.#tasks = new TaskCache(settings.cacheBytes ?? Number.POSITIVE_INFINITY);
    this.#catchUp = new CatchUp(changelog, objects, settings.observer);
    this.#writer = new CommitWriter({
      changelog,
      objects,
      shapes: stage.program.shapes,
      build,
      newNonce,
      now,
      ...(limits && { limits }),
    });
    const breakers = settings.breakers ?? new Breakers({ now, jitter: () => 1 });
    this.#writers = guarded(writers, breakers);
    this.#debts = new Debts({ breakers, now, ...(settings.holds ?? NO_HOLDS) });
    this.#delivery = new Delivery(changelog, this.#writers, this.#debts);
    const { preparation } = stage.program;
    this.#enrichment = preparation && new Enrichment({ preparation, lookups: lookupsOf(settings), breakers, now });
  }

  idOf(partition: string): TaskId {
    const { pipeline, generation, stage, source, incarnation } = this.#settings.stage;
    return { pipeline, generation, stage, source, incarnation, partition };
  }

  /** Gives a partition's task a turn with records of it. @throws what stands in the way; then they must come again */
  records(partition: string, records: readonly IncomingRecord[]): Promise<TurnReport> {
    return this.#taskOf(partition).turn({ kind: "records", records });
  }

  /**
   * Does what a message says.
   *
   * @param receives how often the message was received, this time included
   * @returns nothing for a message of another deployment, which is of no use any more
   * @throws what stands in the way; then the message must come again
   */
  async control(message: ControlMessage, receives = 1): Promise<TurnReport | undefined> {
    if (message.task === undefined) return this.#sweepAll();
    if (message.type === "redrive") return this.#redrive(message.letter, receives);
    const { partition } = parseTaskName(message.task);
    if (message.task !== taskName(this.idOf(partition))) {
      this.#settings.observer.notice(message.task, "A message for a task of another deployment was dropped.");
      return undefined;
    }
    const task = this.#taskOf(partition);
    if (message.type === "drain") return task.turn({ kind: "drain" });
    try {
      return await task.turn(message.type === "tick" ? { kind: "tick", id: message.id } : { kind: "sweep" });
    } catch (thrown) {
      if (!(thrown instanceof MillraceError) || thrown.code !== PARENT_NOT_DONE) throw thrown;
      // Its parent's seal sends another first tick, and there is another sweep.
      this.#settings.observer.notice(message.task, thrown.message);
      return undefined;
    }
  }

  /**
   * Gives a dead letter back to its task, or to the one that has taken over its key. Unlike a tick it is never dropped:
   * the message may be all that is left of it.
   */
  async #redrive(queued: QueuedLetter, receives: number): Promise<TurnReport> {
    const { objects } = this.#settings;
    let { partition } = parseTaskName(queued.task);
    const own = taskName(this.idOf(partition));
    if (queued.task !== own) throw otherDeployment(queued, own);
    const letter = await wholeLetter(queued, objects);
    if (letter.output !== undefined && !this.#writers.has(letter.output.sink)) throw noSink(letter);
    const hash = hashOf(routingKeyOf(letter));
    const isSuspect = receives > 1 || letter.reason.code === KILLED;
    for (;;) {
      const { report, heirs } = await this.#taskOf(partition).redrive({ letter, isSuspect });
      if (heirs === undefined) return report;
      if (heirs.length === 0) throw noHeir(report.task);
      partition = heirOf(heirs, hash).partition;
    }
  }

  /** One message per task, so that each has an invocation's time. */
  async #sweepAll(): Promise<undefined> {
    const { partitions } = this.#settings;
    const listed = await partitions.list();
    const messages = listed.map(({ id }) => sweepOutput(taskName(this.idOf(id))));
    await this.#writers.get(TICKS)!.deliver(messages.map(({ body }, n) => ({ id: `sweep#${n}`, body })));
  }

  #taskOf = (partition: string): Task => {
    const { stage, build, partitions, observer, now, newNonce, suspectAfter, changelog } = this.#settings;
    const id = this.idOf(partition);
    const make = () =>
      new Task({
        id,
        fold: {
          origin: { pipeline: id.pipeline, stage: id.stage, task: taskName(id), partition },
          program: stage.program,
          source: stage.source,
          intake: stage.intake,
          poisonShare: stage.poisonShare,
          build,
        },
        idle: stage.idle,
        suspectAfter,
        partitions,
        taskOf: this.#taskOf,
        catchUp: this.#catchUp,
        enrichment: this.#enrichment,
        writer: this.#writer,
        delivery: this.#delivery,
        debts: this.#debts,
        changelog,
        observer,
        now,
        newNonce,
      });
    return this.#tasks.get(partition, make);
  };
}

const NO_HOLDS = { wait: () => Promise.resolve(), breakEven: 0 };

function lookupsOf({ lookups, stage }: StageRuntimeSettings): Lookups {
  if (lookups !== undefined) return lookups;
  throw systemicError({
    code: "enrich/no-lookups",
    message: `Stage "${stage.stage}" looks things up, and its runtime was not given what to do so.`,
  });
}
