import { infrastructureError } from "../errors.ts";
import type { Changelog, TaskItem } from "../state/changelog.ts";
import type { Heir, Legacy } from "../state/inheritance.ts";
import type { Output } from "../state/commit.ts";
import { entriesByOperator } from "../state/state-size.ts";
import { forgetRedriven } from "../state/redriven.ts";
import type { TaskId } from "../state/task-id.ts";
import { taskName } from "../state/task-id.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../time/instant.ts";
import type { CatchUp } from "./catch-up.ts";
import type { CommitWriter } from "./commit-writer.ts";
import type { Debts } from "./debts.ts";
import type { Delivery } from "./delivery.ts";
import { isDelivered } from "./delivery.ts";
import type { Enrichment } from "./enrichment.ts";
import type { Fold, FoldSettings } from "./fold.ts";
import { LoadedTask } from "./loaded-task.ts";
import type { Observer, TurnReport } from "./observer.ts";
import type { IncomingRecord } from "./record.ts";
import type { Partition } from "../state/partition.ts";
import { lookForAdded, lookForLoss } from "./source-watch.ts";
import type { SourcePartitions } from "./source-partitions.ts";
import { redriven, type Redrive } from "./redrive.ts";
import { leavesOf } from "./shuffle/news.ts";
import { Succession } from "./succession.ts";
import { notAtTip, notDrained } from "./task-errors.ts";
import { endFold } from "./end-fold.ts";
import { dueTick } from "./tick.ts";
import { Tracing } from "./tracing.ts";
import { Trials } from "./trials.ts";
import { countsBetween } from "./turn-counts.ts";
import { Upkeep } from "./upkeep.ts";

/** What gives a task a turn. */
export type Trigger =
  | { readonly kind: "records"; readonly records: readonly IncomingRecord[] }
  | { readonly kind: "tick"; readonly id: string }
  | { readonly kind: "drain" }
  /** Looks after what no record and no tick would find (X11). */
  | { readonly kind: "sweep" };

/** Ends a task whose partition was replaced. */
interface Sealing {
  readonly kind: "seal";
  readonly listed: readonly Partition[];
}

/** What a turn is for. */
type Occasion = Trigger | Sealing | (Redrive & { readonly kind: "redrive" });

export interface TaskSettings {
  readonly id: TaskId;
  readonly fold: FoldSettings;
  /** Milliseconds of silence after which event time moves by itself. */
  readonly idle: number;
  /** Milliseconds after its arrival from which a record that comes alone may be one that kills the process (X7). */
  readonly suspectAfter: number;
  readonly partitions: SourcePartitions;
  /** The task of another partition, in this process. */
  readonly taskOf: (partition: string) => Task;
  readonly changelog: Changelog;
  readonly catchUp: CatchUp;
  /** Undefined for a stage that looks nothing up. */
  readonly enrichment: Enrichment | undefined;
  readonly writer: CommitWriter;
  readonly delivery: Delivery;
  readonly debts: Debts;
  readonly observer: Observer;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly newNonce: () => string;
}

/** Races in a row that a writer may lose before it leaves the field to the others. */
const MAX_CONFLICTS = 8;

/**
 * A task in this process: one turn at a time, however many ask. Between turns it keeps the state it
 * knows; every turn begins by reading what others have appended since.
 */
export class Task {
  readonly #settings: TaskSettings;
  readonly #name: string;
  readonly #trials: Trials;
  readonly #tracing: Tracing;
  readonly #succession: Succession;
  readonly #upkeep: Upkeep;
  #known: LoadedTask | undefined;
  #turns: Promise<unknown> = Promise.resolve();

  constructor(settings: TaskSettings) {
    this.#settings = settings;
    this.#name = taskName(settings.id);
    this.#trials = new Trials(this.#name, settings);
    this.#tracing = new Tracing(this.#name, settings);
    this.#succession = new Succession(settings);
    this.#upkeep = new Upkeep(this.#name, settings);
  }

  /** Bytes of memory that what is known of the state takes: an estimate. */
  get stateMemory(): number {
    return this.#known?.stateMemory ?? 0;
  }

  /**
   * One turn (docs/spec.md). When it returns, the trigger's every effect is committed and delivered.
   *
   * @throws what stands in the way; then the trigger must come again
   */
  turn(trigger: Trigger): Promise<TurnReport> {
    return this.#inTurn(() => this.#turn(trigger));
  }

  /**
   * Ends the task, whose partition was replaced by those that ask, and hands over its state.
   *
   * @throws infrastructure error `reshard/parent-not-done` while its partition holds records above its position
   */
  seal(listed: readonly Partition[]): Promise<Legacy> {
    return this.#inTurn(async () => {
      await this.#turn({ kind: "seal", listed });
      return this.#known!.legacy();
    });
  }

  /**
   * Takes a dead letter back, once however often it is asked to.
   *
   * @returns the heirs of a task that was sealed: the one that has the letter's key must be given the letter instead
   */
  redrive(redrive: Redrive): Promise<{ readonly report: TurnReport; readonly heirs: readonly Heir[] | undefined }> {
    return this.#inTurn(async () => {
      const report = await this.#turn({ kind: "redrive", ...redrive });
      return { report, heirs: this.#known!.state.sealed };
    });
  }

  #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const turn = this.#turns.then(work);
    this.#turns = turn.catch(() => undefined);
    return turn;
  }

  async #turn(trigger: Occasion): Promise<TurnReport> {
    await this.#settings.debts.admit(this.#name); // before anything is read
    const progress = { conflicts: 0, redeliveries: 0, catchUpBytes: 0 };
    for (; progress.conflicts < MAX_CONFLICTS; progress.conflicts++) {
      const known = this.#known;
      this.#known = undefined; // whatever throws below leaves nothing half done behind
      const { task, item, bytes } = await this.#settings.catchUp.run(
        this.#name,
        known,
        () => new LoadedTask(this.#settings.fold),
      );
      task.wasKnown = task === known;
      progress.catchUpBytes += bytes;
      const report = await this.#attempt(trigger, task, item, bytes, progress);
      if (report === undefined) continue;
      this.#settings.observer.turn(report);
      return report;
    }
    throw infrastructureError({
      code: "task/contended",
      message: `Task ${this.#name} lost ${MAX_CONFLICTS} races in a row to other writers.`,
      advice: "One mapping per source is allowed; look for a second one.",
    });
  }

  /** @returns nothing when another writer was first (X1) */
  async #attempt(
    trigger: Occasion,
    task: LoadedTask,
    item: TaskItem,
    catchUpBytes: number,
    progress: { readonly conflicts: number; redeliveries: number; readonly catchUpBytes: number },
  ): Promise<TurnReport | undefined> {
    const { writer, now } = this.#settings;
    await this.#deliverHead(task, item, progress); // X5: before appending, and before returning success
    if (task.epoch === 0 && task.state.range === undefined)
      await this.#succession.open(task, item, trigger.kind === "seal" ? trigger.listed : undefined);
    if (task.hasNewReaders && task.state.sealed === undefined)
      task.roots = leavesOf(await this.#settings.partitions.list());
    if (this.#shuffles.length > 0) await lookForAdded(task, this.#settings);
    const before = task.state.counters.byOperator();
    const watermarkBefore = task.state.watermark;
    const begun = now();
    const woken = task.fold.wake(begun);
    const mustCommit = this.#mustOpen(trigger, task) || woken > 0;
    const isAsStored = !mustCommit && task.epoch > 0;
    const folded = (await this.#fold(trigger, task, item, isAsStored)) ?? (mustCommit ? 0 : undefined);
    const report = (appended?: { bytes: number; spilled: boolean }) => ({
      task: this.#name,
      trigger: trigger.kind,
      epoch: task.epoch,
      records: trigger.kind === "records" ? trigger.records.length : 0,
      folded: folded ?? 0,
      counts: countsBetween(before, task.state.counters.byOperator()),
      hotKey: task.fold.takeHotKey(),
      stateEntries: entriesByOperator(task.state),
      stateBytes: task.stateBytes,
      stateMemory: task.stateMemory,
      watermark: task.state.watermark,
      watermarkBefore,
      commitBytes: appended?.bytes ?? 0,
      spilled: appended?.spilled ?? false,
      conflicts: progress.conflicts,
      redeliveries: progress.redeliveries,
      catchUpBytes: progress.catchUpBytes,
    });
    if (folded === undefined) {
      this.#known = task;
      const checkpointed = trigger.kind === "sweep" && (await this.#upkeep.lookAfter(task, item));
      return { ...report(), outputs: 0, checkpointed, committedAt: undefined, deliveredAt: undefined };
    }
    const isFirst = task.epoch === 0 || task.isHeir;
    const outputs = endFold(task, { ...this.#settings, shuffles: this.#shuffles });
    const traced = task.fold.takeTraces();
    const foldedAt = now();
    const appended = await writer.append(this.#name, task, outputs, catchUpBytes);
    if (!appended.won) return undefined;
    const committedAt = now();
    this.#settings.observer.measured?.(this.#name, task.epoch, task.fold.takeMeasures()); // whatever delivery comes to
    this.#tracing.committed(task.epoch, traced, outputs, { begun, folded: foldedAt, committed: committedAt });
    this.#known = task;
    let deliveredAt: number | undefined;
    if (outputs.length > 0) {
      await this.#deliver(task, outputs, item);
      deliveredAt = now();
    } else if (isFirst) {
      await this.#mark(task); // X11: from now on there is an item that says that there were commits
    }
    const checkpointed = await this.#upkeep.checkpoint(task, item);
    return { ...report(appended), outputs: outputs.length, checkpointed, committedAt, deliveredAt };
  }

  /**
   * @param isAsStored whether nothing has changed the state yet
   * @returns how many records were folded; nothing when there is nothing to commit
   */
  async #fold(trigger: Occasion, task: LoadedTask, item: TaskItem, isAsStored: boolean): Promise<number | undefined> {
    const { state, fold } = task;
    const { id, partitions, idle, now } = this.#settings;
    const isShuffle = this.#settings.fold.intake.kind === "shuffle";
    task.isSilent = isShuffle ? fold.isSilent() : undefined;
    const prepare = (records: readonly IncomingRecord[]) => this.#prepare(fold, records);
    const isAtTip = () => partitions.isAtTip(id.partition, state.position.sequence);
    switch (trigger.kind) {
      case "records": {
        const first = trigger.records.findIndex((record) => fold.isNew(record)); // they ascend: what is before it is known
        if (first >= 0) await lookForLoss(task, this.#settings, trigger.records[first]!.position.sequence);
        const folded = await this.#trials.fold(trigger.records, fold, item, () =>
          this.#kept(isAsStored && task, () => prepare(first < 0 ? [] : trigger.records.slice(first))),
        );
        task.isSilent = isShuffle && fold.isSilent();
        return folded || undefined;
      }
      case "drain":
        if (state.sealed !== undefined || state.watermark === END_OF_TIME) return undefined;
        if (isShuffle) throw notDrained(this.#name); // its producers are drained, and tell it
        if (!(await isAtTip())) throw notAtTip(this.#name);
        fold.advance(END_OF_TIME);
        return 0;
      case "tick": {
        if (state.tick?.id !== trigger.id) return undefined; // X12: chains do not multiply
        state.tick = undefined;
        const silence = now() - state.arrival;
        // X12: at the wall clock's rate from the last arrival, and only when nothing waits to be read.
        const isSilent = fold.isSilent() && silence >= idle && (await isAtTip());
        const canMove = state.recordWatermark !== BEFORE_ALL_TIME && state.watermark !== END_OF_TIME;
        if (isSilent && canMove) fold.advance(state.recordWatermark + silence);
        if (!isShuffle) task.isSilent = isSilent;
        return 0;
      }
      case "sweep":
        await lookForLoss(task, this.#settings);
        // What was passed by as damaged heals with the next commit.
        if (task.mustCheckpoint && state.sealed === undefined) return 0;
        return forgetRedriven(state, now()) || dueTick(task, this.#settings) !== undefined ? 0 : undefined;
      case "redrive":
        return redriven(trigger, task, { task: this.#name, trials: this.#trials, time: now(), prepare });
      case "seal":
        return state.sealed === undefined ? this.#succession.seal(task, trigger.listed) : undefined;
    }
  }

  /** Fetches and looks up what records need before they are folded. */
  async #prepare(fold: Fold, records: readonly IncomingRecord[]): Promise<void> {
    const { enrichment, fold: settings } = this.#settings;
    const fetching = settings.intake.prepare?.(records);
    if (fetching !== undefined) await fetching; // most have nothing to wait for
    if (enrichment === undefined) return;
    const units = records.flatMap((record) => settings.intake.unitsOfLetter(record));
    fold.answers = await enrichment.answersFor(units);
  }

  /** Whether a task that has nothing to commit must begin nevertheless: others wait for what it says of itself. */
  #mustOpen(trigger: Occasion, task: LoadedTask): boolean {
    if (task.isHeir) return true;
    const isUnknown = task.epoch === 0 ? this.#shuffles.length > 0 : task.hasNewReaders && !task.state.sealed;
    return (isUnknown || task.added.length > 0) && (trigger.kind === "tick" || trigger.kind === "sweep");
  }

  get #shuffles() {
    return this.#settings.fold.program.shuffles;
  }

  async #deliverHead(task: LoadedTask, item: TaskItem, progress: { redeliveries: number }): Promise<void> {
    if (task.epoch === 0) return;
    if (isDelivered(item, task.epoch)) {
      task.headOutputs = []; // needed no more
      this.#settings.debts.settle(this.#name); // to another process
      return;
    }
    const outputs = await this.#settings.catchUp.outputsOf(task, this.#name);
    if (outputs.length === 0) return;
    progress.redeliveries++;
    task.headOutputs = outputs;
    await this.#kept(task, () => this.#deliver(task, outputs, item));
  }

  /** What is as the changelog has it, is still known when something fails: nothing has to be read anew. */
  async #kept(task: LoadedTask | false, work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (thrown) {
      if (task !== false) this.#known = task;
      throw thrown;
    }
  }

  async #deliver(task: LoadedTask, outputs: readonly Output[], item: TaskItem): Promise<void> {
    const { delivery, fold } = this.#settings;
    await this.#tracing.delivering(task.epoch, () => delivery.run(fold.origin, task.epoch, outputs, item));
    task.headOutputs = []; // X5: this process delivered it itself
    await this.#mark(task);
  }

  async #mark({ epoch }: LoadedTask): Promise<void> {
    const { delivery, observer } = this.#settings;
    try {
      await delivery.mark(this.#name, epoch);
    } catch (cause) {
      observer.notice(
        this.#name,
        "A delivery could not be marked; another process may repeat it, with the same ids.",
        cause,
      );
    }
  }
}
