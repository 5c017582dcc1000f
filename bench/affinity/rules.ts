import { sourceIntake } from "../../lib/runtime/intake.ts";
import { CatchUp } from "../../lib/runtime/catch-up.ts";
import { CommitWriter, WRITER_LIMITS, type WriterLimits } from "../../lib/runtime/commit-writer.ts";
import { LoadedTask } from "../../lib/runtime/loaded-task.ts";
import type { EntryRestorer } from "../../lib/operators/stateful.ts";
import type { Observer } from "../../lib/runtime/observer.ts";
import { NEW_TASK_ITEM, type Changelog, type CheckpointPointer } from "../../lib/state/changelog.ts";
import { bodyBytes, isSpilled, isWhole, type LogTotals, type StoredCommit } from "../../lib/state/commit.ts";
import type { ObjectStore } from "../../lib/state/object-store.ts";
import { MemoryChangelog, MemoryObjects } from "../../lib/testing/index.ts";
import { COLD } from "./affinity.ts";
import { ModelChangelog, ModelObjects, STOP, TASK, type Requests } from "./model-stores.ts";
import { randomFrom } from "./random.ts";
import { OBJECT_READ_BYTES } from "../../lib/runtime/loading.ts";

/**
 * The library's own rules, asked without states of the modelled size. No rule is copied here:
 *
 * - what to read (head only, the log, or a checkpoint and the log after it): `CatchUp.run`, stopped before it decodes;
 * - whole commits and spills: `CommitWriter.append`, run once with a delta of the modelled size;
 * - checkpoints: `CommitWriter.checkpointDue`, of a `LoadedTask` that says to have the modelled size.
 */
export interface RuleSettings {
  /** Bytes of a checkpoint object: the state as it is written. */
  readonly stateBytes: number;
  /** Bytes of a commit's body, outputs included. */
  readonly commitBytes: number;
  /** Bytes of commits since the checkpoint that the task begins with. @default half of what the state allows */
  readonly logBytes?: number;
  /** What checkpoints are decided by, as a share of the state's size. @default 1, as the rule is */
  readonly stateShare?: number;
  /** @default WRITER_LIMITS */
  readonly limits?: WriterLimits;
}

/** States that a container keeps at most, and bytes of them. */
export { MAX_TASKS as CACHED_TASKS } from "../../lib/runtime/task-cache.ts";

/** What a turn reads before it folds. */
export interface TurnReads {
  readonly queries: number;
  readonly readUnits: number;
  readonly checkpointGets: number;
  readonly spillGets: number;
  /** Commits read and applied, and their bodies' bytes. */
  readonly commits: number;
  readonly commitBytes: number;
  /** What `CaughtUp.bytes` says: by it later checkpoints are decided. */
  readonly caughtUp: number;
}

/** Where the modelled epochs begin: high enough that a reader may be far behind. */
const FIRST_EPOCH = 1_000_000;
const NONCE = "AAAAAAAAAAAA";

const program = {
  pipeline: "model",
  name: "model",
  shapes: {},
  bind: () => ({ enter: () => () => undefined, timed: [], expiring: [], flush: () => undefined }),
  restore: <T extends object>(stored: T): T & { isMigrated: boolean } => ({ ...stored, isMigrated: false }),
  wayOfUnit: () => undefined,
  hashOfKey: () => "0".repeat(32),
  unite: <T>(tables: T) => tables,
  hashOf: () => "0".repeat(32),
  replicated: new Set<string>(),
  entryRestorers: new Map<string, EntryRestorer>(),
  shuffles: [],
};
const foldSettings = {
  origin: { pipeline: "model", stage: "model", task: TASK, partition: "shardId-000000000000" },
  program,
  source: "model",
  intake: sourceIntake(
    "model",
    {
      decode: () => {
        throw new Error("The model folds no records.");
      },
    },
    0,
  ),
  poisonShare: 1,
  build: "model",
};
/** With an observer, whether or not it takes one. */
const Reader: new (changelog: Changelog, objects: ObjectStore, observer: Observer) => CatchUp = CatchUp;

/** @param inRuns tables that are sorted runs where they are large */
export const loadedTask = (inRuns: readonly string[] = []): LoadedTask =>
  new LoadedTask({
    ...foldSettings,
    program: { ...program, entryRestorers: new Map(inRuns.map((table) => [table, (value: unknown) => value])) },
  });

/** One modelled task: its changelog's head, and what the rules say of each turn. */
export class RuledTask {
  /** What the task takes for its state's size. */
  readonly #stateBytes: number;
  readonly #template: StoredCommit;
  readonly #checkpoints: Checkpoints;
  readonly #log: ModelChangelog;
  readonly #catchUp: CatchUp;
  readonly #writer: CommitWriter;
  readonly #probe: LoadedTask;
  #totals: LogTotals = { written: 0, caughtUp: 0 };

  private constructor(settings: RuleSettings, template: StoredCommit, checkpoints: Checkpoints) {
    this.#stateBytes = settings.stateBytes * (settings.stateShare ?? 1);
    this.#template = template;
    this.#checkpoints = checkpoints;
    this.#log = new ModelChangelog(template, this.isWhole, { ...NEW_TASK_ITEM, delivered: FIRST_EPOCH });
    this.#log.head = FIRST_EPOCH;
    const objects = new ModelObjects(checkpoints.objects, this.commitBytes, () => this.#log.requests);
    this.#catchUp = new Reader(this.#log, objects, { turn: () => undefined, notice: () => undefined });
    this.#writer = writerOn(this.#log, objects, settings.limits);
    this.#probe = this.#taskAt(FIRST_EPOCH);
  }

  static async of(settings: RuleSettings): Promise<RuledTask> {
    const task = new RuledTask(settings, await templateOf(settings), new Checkpoints(settings.stateBytes));
    await task.#checkpoint();
    await task.#checkpoint();
    const log = settings.logBytes ?? task.#stateBytes / 2; // it has run for long
    for (let bytes = 0; !task.isWhole && bytes < log; bytes += task.commitBytes) task.append(0);
    return task;
  }

  get commitBytes(): number {
    return bodyBytes(this.#template);
  }

  get isSpilled(): boolean {
    return isSpilled(this.#template.body);
  }

  get isWhole(): boolean {
    return isWhole(this.#template);
  }

  /** Bytes of the items that a turn writes. */
  get itemSizes(): { readonly commit: number; readonly item: number } {
    return this.#log.sizes;
  }

  /** What the rule has a container read that last had the task `gap` batches ago, or never. */
  async read(gap: number): Promise<TurnReads> {
    this.#log.startTurn();
    const cached = gap === COLD ? undefined : this.#taskAt(this.#log.head - gap);
    let isLoaded = false;
    const fresh = () => {
      isLoaded = true;
      return loadedTask();
    };
    let caughtUp: number | undefined;
    try {
      caughtUp = (await this.#catchUp.run(TASK, cached, fresh)).bytes;
    } catch (thrown) {
      if (thrown !== STOP) throw thrown;
    }
    const { queries, readUnits, checkpointGets, rangeBytes, firstDecoded } = this.#log.requests;
    const commits = firstDecoded === undefined ? 0 : this.#log.head - firstDecoded + 1;
    const commitBytes = commits * this.commitBytes;
    return {
      queries,
      readUnits,
      checkpointGets,
      commits,
      commitBytes,
      spillGets: this.isSpilled ? commits : 0,
      // CatchUp says so once it has decoded: the range as billed, with what its bodies' objects cost, or the bodies that
      // it followed; a head that was read already is free unless it holds the whole state.
      caughtUp:
        caughtUp ??
        (rangeBytes === undefined
          ? isLoaded && !this.isWhole
            ? 0
            : commitBytes
          : rangeBytes + (this.isSpilled ? commits * OBJECT_READ_BYTES : 0)),
    };
  }

  append(caughtUp: number): void {
    this.#totals = { written: this.#totals.written + this.commitBytes, caughtUp: this.#totals.caughtUp + caughtUp };
    this.#log.head++;
  }

  /** Whether the head is to be followed by a checkpoint now; the task has it then. */
  async checkpointIfDue(): Promise<boolean> {
    this.#moveTo(this.#probe, this.#log.head);
    if (this.#writer.checkpointDue(this.#probe, this.#log.item.checkpoint) === "no") return false;
    await this.#checkpoint();
    return true;
  }

  async #checkpoint(): Promise<void> {
    const { item } = this.#log;
    const pointer = await this.#checkpoints.of(this.#taskAt(this.#log.head), () => this.#log.requests);
    this.#log.item = { ...item, checkpoint: pointer, previousCheckpoint: item.checkpoint };
  }

  #taskAt(epoch: number): LoadedTask {
    const task = loadedTask();
    task.state.table("model").put(0, "all", 0);
    task.bytesPerEntry = this.#stateBytes;
    task.nonce = NONCE;
    this.#moveTo(task, epoch);
    return task;
  }

  #moveTo(task: LoadedTask, epoch: number): void {
    task.epoch = epoch;
    task.totals = this.#totals;
    task.base = this.isWhole ? { ...this.#template.base!, epoch, ...this.#totals } : undefined;
  }
}

/** Checkpoints as the writer makes them, of a state of one entry, whose pointers say to be of the modelled size. */
class Checkpoints {
  readonly #changelog = new MemoryChangelog();
  readonly #stateBytes: number;
  readonly objects = new MemoryObjects();

  constructor(stateBytes: number) {
    this.#stateBytes = stateBytes;
  }

  async of(task: LoadedTask, requests: () => Requests): Promise<CheckpointPointer> {
    await writerOn(this.#changelog, this.objects).checkpoint(TASK, task);
    const pointer = (await this.#changelog.newest(TASK, { from: task.epoch })).item.checkpoint!;
    // Once it is read it is what it is: its checksum covers its size.
    const bytes = () => (requests().checkpointGets > 0 ? pointer.bytes : this.#stateBytes);
    return Object.defineProperty({ ...pointer }, "bytes", { enumerable: true, get: bytes });
  }
}

/** A commit, as the writer makes it of a delta of random bytes. */
async function templateOf({ stateBytes, commitBytes, limits }: RuleSettings): Promise<StoredCommit> {
  const changelog = new MemoryChangelog();
  const objects = new MemoryObjects();
  const writer = writerOn(changelog, objects, limits);
  const task = loadedTask();
  const random = randomFrom(1);
  const table = task.state.table("model");
  const entries = 8;
  const bytes = Math.min(commitBytes, stateBytes);
  // As many entries untouched as the state has more than the delta, up to one: more say nothing new.
  if (stateBytes > commitBytes) table.apply({ floor: 0, dropped: [], removed: [], put: [[0, ["untouched"], [0]]] });
  const header = JSON.stringify(task.state.header()).length;
  for (let i = 0; i < entries; i++) {
    const length = Math.max(1, Math.round((bytes - header) / entries) - 4);
    table.put(
      0,
      `${i}`,
      Uint8Array.from({ length }, () => random.below(256)),
    );
  }
  await writer.append(TASK, task, [], 0);
  const { commits } = await changelog.newest(TASK, { from: 0 });
  return { ...commits[0]!, nonce: NONCE };
}

export function writerOn(changelog: MemoryChangelog, objects: MemoryObjects, limits = WRITER_LIMITS): CommitWriter {
  const settings = {
    changelog,
    objects,
    shapes: {},
    build: "0123456789abcdef",
    limits,
    newNonce: () => NONCE,
    now: () => 0,
  };
  return new CommitWriter(settings);
}
