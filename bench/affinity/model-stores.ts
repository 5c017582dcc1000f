import {
  CHECKPOINT,
  CHECKPOINT_EPOCH,
  commitItem,
  DELIVERED,
  keyOf,
  pointerValue,
  PREVIOUS_CHECKPOINT,
  TASK_ITEM_EPOCH,
} from "../../lib/dynamodb/items.ts";
import type { NewestCommits, TaskItem } from "../../lib/state/changelog.ts";
import type { StoredCommit } from "../../lib/state/commit.ts";
import { MemoryChangelog, MemoryObjects } from "../../lib/testing/index.ts";
import { itemBytes, PAGE_BYTES, readUnits } from "./billing.ts";

/** Thrown where a reader would begin to decode commits: what it has decided is known by then. */
export const STOP = new Error("The reader is about to decode what it has chosen to read.");

/** What a reader asked for. */
export interface Requests {
  queries: number;
  readUnits: number;
  checkpointGets: number;
  /** Bytes of the items of a range query, as they are billed. */
  rangeBytes: number | undefined;
  /** The first commit that it goes on to decode. */
  firstDecoded: number | undefined;
}

/**
 * A changelog of commits that are all of one size, without their contents: it answers as DynamoDB does, page by
 * page, and counts what that reads. What readers ask for is noted down until they begin to decode.
 */
export class ModelChangelog extends MemoryChangelog {
  readonly #template: StoredCommit;
  readonly #isWhole: boolean;
  readonly #commits = new Map<number, StoredCommit>();
  readonly #commitBytes: number;
  #itemBytes = 0;
  #item: TaskItem;
  head = 0;
  requests: Requests = noRequests();

  /** @param template a commit as the writer makes it; the log's differ in their epochs only */
  constructor(template: StoredCommit, isWhole: boolean, item: TaskItem) {
    super();
    this.#template = template;
    this.#isWhole = isWhole;
    this.#commitBytes = itemBytes(commitItem(TASK, template));
    this.#item = item;
    this.item = item;
  }

  get item(): TaskItem {
    return this.#item;
  }

  set item(item: TaskItem) {
    this.#item = item;
    this.requests = noRequests();
    this.#itemBytes = taskItemBytes(item);
  }

  /** Bytes of a commit's item, and of the task item. */
  get sizes(): { readonly commit: number; readonly item: number } {
    return { commit: this.#commitBytes, item: this.#itemBytes };
  }

  startTurn(): void {
    this.requests = noRequests();
  }

  override async newest(
    _task: string,
    { from, limit = Number.POSITIVE_INFINITY }: { readonly from: number; readonly limit?: number },
  ): Promise<NewestCommits> {
    const there = this.head - from + 1;
    const page = Math.min(limit, Math.ceil((PAGE_BYTES - this.#itemBytes) / this.#commitBytes));
    const commits: StoredCommit[] = [];
    for (let i = 0; i < there && i < page; i++) commits.push(this.#commitAt(this.head - i));
    const units = readUnits(this.#itemBytes + commits.length * this.#commitBytes);
    this.requests.queries++;
    this.requests.readUnits += units;
    return { item: this.#item, commits, complete: commits.length === there, bytes: units * 4_096 };
  }

  override async range(_task: string, from: number, to: number): Promise<never> {
    let units = 0;
    const page = Math.ceil(PAGE_BYTES / this.#commitBytes);
    // Who loads reads range after range, up to the head; here it comes no further than to the first.
    for (let first = from; first <= this.head; first += to - from + 1) {
      for (let left = Math.min(to, this.head - first + from) - from + 1; left > 0; left -= page) {
        units += readUnits(Math.min(left, page) * this.#commitBytes);
        this.requests.queries++;
      }
    }
    this.requests.readUnits += units;
    this.requests.rangeBytes = (this.requests.rangeBytes ?? 0) + units * 4_096;
    this.requests.firstDecoded = from;
    throw STOP;
  }

  #commitAt(epoch: number): StoredCommit {
    let commit = this.#commits.get(epoch);
    if (commit === undefined) {
      const base = this.#template.base;
      commit = { ...this.#template, epoch, base: this.#isWhole ? { ...base!, epoch } : undefined };
      // Every decoder asks for the codec first.
      const codec = (): never => {
        this.requests.firstDecoded = epoch;
        throw STOP;
      };
      Object.defineProperty(commit, "codec", { get: codec });
      this.#commits.set(epoch, commit);
    }
    return commit;
  }
}

/** Objects: checkpoints that stand for larger ones, and spilled bodies, whose contents do not matter. */
export class ModelObjects extends MemoryObjects {
  readonly #checkpoints: MemoryObjects;
  readonly #body: Uint8Array;
  readonly #requests: () => Requests;

  constructor(checkpoints: MemoryObjects, bodyBytes: number, requests: () => Requests) {
    super();
    this.#checkpoints = checkpoints;
    this.#body = new Uint8Array(bodyBytes);
    this.#requests = requests;
  }

  override async get(key: string): Promise<Uint8Array | undefined> {
    if (!key.startsWith("checkpoints/")) return this.#body; // a spilled body: decoding it is the next step
    this.#requests().checkpointGets++;
    return this.#checkpoints.get(key);
  }
}

/** The modelled task's name, as long as one of the example's. */
export const TASK = "flight-delays:0:departures:departures.0:shardId-000000000000";

const noRequests = (): Requests => ({
  queries: 0,
  readUnits: 0,
  checkpointGets: 0,
  rangeBytes: undefined,
  firstDecoded: undefined,
});

/** The task item as lib/dynamodb/changelog.ts writes it. */
function taskItemBytes({ delivered, checkpoint, previousCheckpoint }: TaskItem): number {
  return itemBytes({
    ...keyOf(TASK, TASK_ITEM_EPOCH),
    [DELIVERED]: { N: String(delivered) },
    ...(checkpoint && {
      [CHECKPOINT]: pointerValue(checkpoint),
      [CHECKPOINT_EPOCH]: { N: String(checkpoint.epoch) },
    }),
    ...(previousCheckpoint && { [PREVIOUS_CHECKPOINT]: pointerValue(previousCheckpoint) }),
  });
}
