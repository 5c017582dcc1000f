import { isShuffleTable } from "../operators/stateful.ts";
import type { Base, Commit, LogTotals, StateShapes, StoredCommit } from "../state/commit.ts";
import { bodyBytes, isWhole } from "../state/commit.ts";
import { inherit, type Legacy } from "../state/inheritance.ts";
import { hashOf, type HashRange } from "../state/hash-range.ts";
import { REDRIVEN, routingKeyIn } from "../state/redriven.ts";
import type { StateContent } from "../state/structure.ts";
import type { TableDelta } from "../state/keyed-table.ts";
import { RunDelta } from "../state/run-delta.ts";
import type { RunLimits } from "../state/run-writer.ts";
import type { StateMerge } from "../state/state-merge.ts";
import { stateMemoryOf } from "../state/state-memory.ts";
import { TaskState, type TaskHeader } from "../state/task-state.ts";
import { Fold, type FoldSettings } from "./fold.ts";

/** A checkpoint whose tables are on their way into sorted runs. */
export interface PendingCheckpoint {
  /** The commit that the state was at. */
  readonly base: Base;
  readonly header: TaskHeader;
  /** Number of entries of the state. */
  readonly entries: number;
  readonly merge: StateMerge;
}

const NO_TOTALS: LogTotals = { written: 0, caughtUp: 0 };

/** A task's state in this process's memory, as of one epoch of its changelog. */
export class LoadedTask {
  readonly #settings: FoldSettings;
  readonly state: TaskState;
  readonly fold: Fold;
  /** Zero before the first commit. */
  epoch = 0;
  nonce = "";
  totals = NO_TOTALS;
  /** The newest whole commit. */
  base: Base | undefined = undefined;
  /** Whether the state was inherited, and no commit says so yet. */
  isHeir = false;
  /** Whether it was loaded past something damaged, or from what another build wrote: the next checkpoint makes that good. */
  mustCheckpoint = false;
  /** Whether an earlier version wrote the head, and this one sends to stages that were told nothing of the task yet. */
  hasNewReaders = false;
  /** Partitions that were there at the beginning, as far as the source lists them: until readers know them. */
  roots: readonly string[] = [];
  /** How many partitions there are, of a source to which they are added; undefined for others. */
  partitions: number | undefined = undefined;
  /** Those of them that readers were told nothing of yet. */
  added: readonly string[] = [];
  /** Whether the source was found silent in this turn, or not; undefined where nobody looked. */
  isSilent: boolean | undefined = undefined;
  /** Bytes that an entry of the state takes when written, as last seen: for estimates. */
  bytesPerEntry = 100;
  /** The head's outputs, while this process knows them; they are needed until they are delivered. */
  headOutputs: Commit["outputs"] | undefined = undefined;
  /** Whether this process had it before this turn. */
  wasKnown = false;
  /** A checkpoint that is begun and not yet written. */
  pending: PendingCheckpoint | undefined = undefined;
  /** The head, where it was in hand when the state was loaded, and until its outputs are known. */
  head: StoredCommit | undefined = undefined;

  constructor(settings: FoldSettings) {
    this.#settings = settings;
    this.state = new TaskState(settings.program.hashOfKey);
    this.fold = new Fold(settings, this.state);
  }

  /** Estimated bytes of the whole state, when written. */
  get stateBytes(): number {
    return this.state.size * this.bytesPerEntry;
  }

  /** Bytes of memory that the state takes at most: an estimate. */
  get stateMemory(): number {
    const inRuns = this.state.entriesInRuns;
    // The runs of a checkpoint that is begun are held beside those that there are.
    return stateMemoryOf(this.state.size - inRuns, inRuns + (this.pending?.entries ?? 0), this.bytesPerEntry);
  }

  startFrom(base: Base, build: string, content: StateContent): void {
    this.#apply(content, build, true);
    this.hasNewReaders = this.#hasNewReaders(content.shapes);
    this.#forgetOtherBuilds(build);
    this.epoch = base.epoch;
    this.totals = base;
  }

  /** Begins with what the tasks of the partition's parents have left. */
  startAsHeir(
    partition: { readonly partition: string; readonly range: HashRange },
    legacies: readonly Legacy[],
    idle: number,
  ): void {
    const { program, intake } = this.#settings;
    const hashOfKey = (operator: string, key: string) =>
      operator === REDRIVEN ? hashOf(routingKeyIn(key)) : program.hashOf(operator, key);
    const { header, tables } = inherit(
      partition,
      legacies,
      hashOfKey,
      program.replicated,
      intake.kind === "source" ? idle : Number.POSITIVE_INFINITY, // a shuffle's silence is what its producers say
    );
    this.state.apply(header, program.unite(tables, partition.range.from), true);
    this.epoch = Math.max(...legacies.map(({ epoch }) => epoch));
    this.isHeir = true;
    this.hasNewReaders = legacies.some((legacy) => legacy.hasNewReaders);
  }

  /** Begins a checkpoint of what the state is now. */
  beginCheckpoint(limits: RunLimits, at: number): PendingCheckpoint {
    const { epoch, state } = this;
    const { written, caughtUp } = this.totals;
    const merge = state.beginMerge(limits, this.#settings.program.entryRestorers);
    return { base: { epoch, at, written, caughtUp }, header: state.header(), entries: state.size, merge };
  }

  /** Entries that a checkpoint would put into sorted runs, where they take a fraction of the memory. */
  get looseEntries(): number {
    let loose = 0;
    for (const table of this.#settings.program.entryRestorers.keys())
      if (this.state.hasTable(table)) loose += this.state.table(table).loose;
    return loose;
  }

  /** What a sealed task leaves. */
  legacy(): Legacy {
    const { epoch, state, hasNewReaders } = this;
    return { epoch, header: state.header(), tables: state.snapshot(), hasNewReaders };
  }

  follow(stored: StoredCommit, commit: Commit): void {
    this.#apply(commit, stored.build, isWhole(stored));
    this.headOutputs = commit.outputs;
    this.#forgetOtherBuilds(stored.build);
    this.moveTo(stored);
    this.hasNewReaders = this.#hasNewReaders(commit.shapes);
  }

  /** The state is that of a commit now: one just read, or just appended. */
  moveTo(stored: StoredCommit): void {
    this.epoch = stored.epoch;
    this.nonce = stored.nonce;
    this.head = undefined;
    this.isHeir = false;
    this.hasNewReaders = false;
    this.totals = stored.totals;
    this.base = stored.base;
    const entries = this.state.size;
    if (isWhole(stored) && entries > 0) this.bytesPerEntry = bodyBytes(stored) / entries;
  }

  /** X10: a task stands still until someone deploys; what is deployed is judged by what it does itself. */
  #forgetOtherBuilds(build: string): void {
    if (build === this.#settings.build) return;
    this.state.poison.reset();
    this.state.killed = 0;
  }

  #hasNewReaders(stored: StateShapes): boolean {
    const { shapes } = this.#settings.program;
    return Object.keys(shapes).some((table) => isShuffleTable(table) && !Object.hasOwn(stored, table));
  }

  #apply(content: StateContent, build: string, whole: boolean): void {
    const { program, origin } = this.#settings;
    const { header, tables, isMigrated } = program.restore(content, { task: origin.task, build });
    const isVerified = build !== this.#settings.build && tables.filter(([, table]) => verify(table)).length > 0;
    this.state.apply(header, tables, whole);
    if (whole) this.pending = undefined; // its tables are others now
    if (isMigrated || isVerified) this.mustCheckpoint = true; // from then on nothing needs that
  }
}

/** That user code takes what another build's wrote is found out before anything is committed on it, not when it is read. */
function verify(table: TableDelta): boolean {
  if (!(table instanceof RunDelta) || !table.isOwn) return false;
  table.run.verify();
  return true;
}
