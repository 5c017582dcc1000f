import type { Changelog, TaskItem } from "../state/changelog.ts";
import { encodeCheckpoint } from "../state/checkpoint.ts";
import { encodeCommit, sealCommit, type Base, type Output, type StateShapes } from "../state/commit.ts";
import type { ObjectStore } from "../state/object-store.ts";
import { RUN_LIMITS, type RunLimits } from "../state/run-writer.ts";
import { sizeOfDelta } from "../state/table-delta.ts";
import type { LoadedTask } from "./loaded-task.ts";

/** Sizes, in bytes, by which a writer decides where a commit lies and when a checkpoint is due. */
export interface WriterLimits {
  /** Larger bodies go to S3. */
  readonly spill: number;
  /** A shorter log than this is read in a moment, however small the state. */
  readonly shortLog: number;
  /** Reading this much to catch up costs what a checkpoint does. */
  readonly checkpoint: number;
  /** Which tables a checkpoint has as sorted runs. @default RUN_LIMITS */
  readonly run?: RunLimits;
  /** Of a checkpoint's entries a turn deals with so many at least. @default 65,536 */
  readonly turn?: number;
  /** A log or a memory that is so many times what is allowed does not wait for parts. @default 1.5 */
  readonly late?: number;
}

/**
 * Spill: inline, each KB costs a write unit ($0.625 per million) and is read again by the next turn
 * ($0.031); a PUT costs $5 per million: the two meet at 8.8 KB. Checkpoint: its PUT costs as much as
 * consistent reads of 160 KB (4 KB for $0.125 per million).
 */
export const WRITER_LIMITS: WriterLimits = { spill: 9 * 1_024, shortLog: 256 * 1_024, checkpoint: 160 * 1_024 };

/**
 * A store may delete a commit this long after its put (X11). Daily, and by its own turns, a task makes sure that a
 * checkpoint covers what is half as old.
 */
const COMMIT_LIFE = 30 * 24 * 3_600_000;

/** So many entries are left as they are, however few others there are: some 15 MB of them. */
const MOST_LOOSE = 65_536;

/** A turn deals with so many entries of a checkpoint, or with one in so many of all: tenths of a second. */
const TURN = 65_536;
const TURNS = 64;

/** What the log or the memory may be beyond what makes a checkpoint due, before it is made in one turn. */
const LATE = 1.5;

/** Whether a checkpoint is due. One that is begun is gone on with, be another due or not. */
export type Due = "no" | "due" | "at once" | "anew";

export interface CommitWriterSettings {
  readonly changelog: Changelog;
  readonly objects: ObjectStore;
  readonly shapes: StateShapes;
  /** Names this build in envelopes. */
  readonly build: string;
  /** @default WRITER_LIMITS */
  readonly limits?: WriterLimits;
  /** A text made anew at every call. */
  readonly newNonce: () => string;
  /** Epoch milliseconds. */
  readonly now: () => number;
}

export interface Appended {
  readonly won: boolean;
  readonly bytes: number;
  readonly spilled: boolean;
}

/** Writes a loaded task's changes as its next commit, and checkpoints. */
export class CommitWriter {
  readonly #settings: CommitWriterSettings;
  readonly #limits: WriterLimits;

  constructor(settings: CommitWriterSettings) {
    this.#settings = settings;
    this.#limits = settings.limits ?? WRITER_LIMITS;
  }

  /** ONE conditional put (X1, X2). When it is lost, the task's state in memory is of no use any more. */
  async append(name: string, task: LoadedTask, outputs: readonly Output[], caughtUpBytes: number): Promise<Appended> {
    const { changelog, objects, shapes, build } = this.#settings;
    const nonce = this.#settings.newNonce();
    const epoch = task.epoch + 1;
    const deltas = task.state.takeDeltas();
    const changes = deltas.reduce((sum, [, delta]) => sum + sizeOfDelta(delta), 0);
    // State that is smaller than its delta is written whole: then there is no log to read.
    const whole = task.isHeir || task.state.size <= changes;
    const at = this.#settings.now();
    const { body, sinks } = encodeCommit({
      shapes,
      header: task.state.header(),
      tables: whole ? task.state.snapshot() : deltas,
      outputs,
    });
    const totals = { written: task.totals.written + body.length, caughtUp: task.totals.caughtUp + caughtUpBytes };
    const spilled = body.length > this.#limits.spill;
    const spill = { key: `spills/${name}/${epoch}-${nonce}`, bytes: body.length };
    if (spilled) await objects.put(spill.key, body);
    const base = whole ? { epoch, at, ...totals } : task.base;
    const expires = at + COMMIT_LIFE;
    const envelope = { epoch, nonce, build, sinks, totals, base, expires, body: spilled ? spill : body };
    const stored = sealCommit(name, envelope, body);
    const won = await changelog.append(name, stored);
    if (won) {
      task.moveTo(stored);
      task.headOutputs = outputs;
    }
    return { won, bytes: body.length, spilled };
  }

  /**
   * A checkpoint is due when the log since the last base outgrows the state, or has cost more to read than a checkpoint
   * would, or when what changed since takes much memory; at once when that is half as much again as is allowed, or the log
   * is getting old; and anew, whatever is begun, when the task has ended, when something damaged had to be passed by, or what
   * another build wrote was made this one's.
   */
  checkpointDue(task: LoadedTask, checkpoint: Base | undefined): Due {
    const since = [task.base, checkpoint].reduce((a, b) => ((b?.epoch ?? 0) > (a?.epoch ?? 0) ? b : a));
    const isBehind = task.epoch > (checkpoint?.epoch ?? 0);
    // A sealed task is swept only as long as its partition is listed, and may be asked for a dead letter's heir later.
    if (task.mustCheckpoint || task.state.sealed !== undefined) return isBehind ? "anew" : "no";
    const isOld = this.#settings.now() - (since?.at ?? 0) > COMMIT_LIFE / 2 && isBehind;
    if (isOld) return "at once";
    const { shortLog, checkpoint: cost, late = LATE } = this.#limits;
    const excessOf = (amount: number, allowed: number): Due =>
      amount > late * allowed ? "at once" : amount > allowed ? "due" : "no";
    const excess = [
      // What is not in sorted runs takes several times the memory of what is.
      excessOf(isBehind ? task.looseEntries : 0, Math.max(MOST_LOOSE, task.state.size / 3)),
      excessOf(task.totals.written - (since?.written ?? 0), Math.max(task.stateBytes, shortLog)),
      excessOf(task.totals.caughtUp - (since?.caughtUp ?? 0), Math.max(task.stateBytes, cost)),
    ];
    return excess.includes("at once") ? "at once" : excess.includes("due") ? "due" : "no";
  }

  /**
   * Begins a checkpoint, or goes on with the one that is begun, and writes it once its tables are ready. Those that are sorted
   * runs are made in parts, of which each turn makes one; encoding and writing are one part, the last.
   *
   * @param newest the newest there is
   * @returns whether one is written
   */
  async checkpoint(name: string, task: LoadedTask, due: Due = "at once", newest?: Base): Promise<boolean> {
    const { changelog, objects, shapes, build } = this.#settings;
    const { run = RUN_LIMITS, turn = TURN } = this.#limits;
    const begun = due === "anew" ? undefined : task.pending;
    task.pending = undefined; // whatever throws below leaves nothing half done behind
    const most = due === "due" || due === "no" ? Math.max(turn, task.state.size / TURNS) : Number.POSITIVE_INFINITY;
    // A process that has just loaded the task may be told nothing more of it: what it begins would be for nothing.
    if (begun === undefined && !task.wasKnown && task.state.size + 2 * task.looseEntries > most) return false;
    const pending = begun ?? task.beginCheckpoint(run, this.#settings.now());
    if (!pending.merge.step(most)) {
      task.pending = pending;
      return false;
    }
    const { base, header, entries } = pending;
    const state = { shapes, header, tables: pending.merge.end() };
    // Another process was faster, or a commit has been whole since.
    if ((newest?.epoch ?? 0) >= base.epoch || (task.base?.epoch ?? 0) > base.epoch) return false;
    const key = `${checkpointsOf(name)}${base.epoch}-${this.#settings.newNonce()}`; // X11
    const { body, pointer } = encodeCheckpoint(name, state, { ...base, key, build });
    await objects.put(key, body);
    await changelog.raiseCheckpoint(name, pointer);
    task.mustCheckpoint = false;
    if (entries > 0) task.bytesPerEntry = body.length / entries;
    return true;
  }

  /** Deletes the checkpoints before the last two (X11). */
  async forgetCheckpoints(name: string, { previousCheckpoint }: TaskItem): Promise<void> {
    if (previousCheckpoint === undefined) return;
    const { objects } = this.#settings;
    const prefix = checkpointsOf(name);
    const epochOf = (key: string) => Number.parseInt(key.slice(prefix.length), 10);
    const keys = await objects.list(prefix);
    const superseded = keys.filter((key) => epochOf(key) < previousCheckpoint.epoch);
    if (superseded.length > 0) await objects.delete(superseded);
  }
}

const checkpointsOf = (name: string): string => `checkpoints/${name}/`;
