import { BEFORE_ALL_TIME, END_OF_TIME } from "../time/instant.ts";
import type { TableDelta } from "./keyed-table.ts";
import type { TaskId } from "./task-id.ts";
import type { TaskState } from "./task-state.ts";

/** The table of those that a task reads from through a shuffle, by their tasks' names. */
export const PRODUCERS = "$producers";

/** All producers are in one space: they belong to no time. Beside it is one of what they are asked. */
const SPACE = 0;

const ANNOUNCED = 0;
const ACTIVE = 1;
const IDLE = 2;
const REPLACED = 3;

type Status = typeof ANNOUNCED | typeof ACTIVE | typeof IDLE | typeof REPLACED;

/**
 * What is known of a producer: the newest epoch that anything came of, which of its outputs came (a bit each; undefined
 * for all), the watermark it told last, and whether it counts.
 */
type Producer = readonly [epoch: number, seen: Uint8Array | null, watermark: number, status: Status];

const UNKNOWN: Producer = [0, null, BEFORE_ALL_TIME, ANNOUNCED];

/** What a producer says of itself in band, once all data of the epoch and of those before it are with their readers. */
export interface ProducerNews {
  readonly watermark: number;
  /** Whether it has nothing to say until something new arrives: then nobody waits for it. */
  readonly isIdle: boolean;
  /** The tasks that were there at the beginning, its own among them. Only in a task's first commit. */
  readonly roots?: readonly string[];
  /** The tasks that take over from it: it says nothing more. */
  readonly heirs?: readonly string[];
}

/**
 * Which of a producer's outputs are new, and noted from now on (X8). Outputs of an epoch all precede those of the next
 * (X5), but among themselves they come in any order, and repeated: so they are told apart one by one, by their index in
 * the commit.
 */
export function admit(
  state: TaskState,
  producer: string,
  epoch: number,
  indexes: readonly number[],
): readonly boolean[] {
  const table = state.table(PRODUCERS);
  const known = (table.get(SPACE, producer) as Producer | undefined) ?? UNKNOWN;
  const [at, seen, watermark, status] = known;
  if (status === REPLACED || epoch < at || (epoch === at && seen === null)) return indexes.map(() => false);
  const before = epoch === at ? seen! : EMPTY;
  const bits = new Uint8Array(Math.max(before.length, (Math.max(...indexes) >> 3) + 1));
  bits.set(before);
  const fresh = indexes.map((n) => {
    const bit = 1 << (n & 7);
    if ((bits[n >> 3]! & bit) !== 0) return false;
    bits[n >> 3]! |= bit;
    return true;
  });
  // Data of one that was idle: it is not any more, and holds event time back until it says how far it is.
  if (fresh.includes(true)) table.put(SPACE, producer, [epoch, bits, watermark, ACTIVE] satisfies Producer);
  return fresh;
}

const EMPTY = new Uint8Array();

/** Takes note of what a producer says of itself as of an epoch. @returns whether that was new */
export function hear(state: TaskState, producer: string, epoch: number, news: ProducerNews): boolean {
  const table = state.table(PRODUCERS);
  const get = (name: string) => table.get(SPACE, name) as Producer | undefined;
  const [at, seen, , status] = get(producer) ?? UNKNOWN;
  if (status === REPLACED || epoch < at || (epoch === at && seen === null)) return false;
  for (const root of news.roots ?? []) if (get(root) === undefined) table.put(SPACE, root, UNKNOWN);
  for (const heir of news.heirs ?? []) {
    const [epochOfHeir, seenOfHeir, watermark, status] = get(heir) ?? [0, null, END_OF_TIME, ANNOUNCED];
    // An heir of two is no further than the slower one, until it speaks for itself.
    if (status !== ANNOUNCED) continue;
    table.put(SPACE, heir, [epochOfHeir, seenOfHeir, Math.min(watermark, news.watermark), ANNOUNCED]);
  }
  const now = news.heirs === undefined ? (news.isIdle ? IDLE : ACTIVE) : REPLACED;
  table.put(SPACE, producer, [epoch, null, news.watermark, now] satisfies Producer);
  return true;
}

/** How far those that a task reads from are, together. */
export interface ProducersTime {
  /** The least watermark of those that are not idle; the largest of all where all are. */
  readonly watermark: number;
  /** Whether nobody has anything to say until something new arrives. */
  readonly areIdle: boolean;
  /** The stages of which nobody has announced itself: as long as there is one, nothing is known. */
  readonly missing: readonly string[];
}

/** What of a producer's name says whether it counts. */
export type ProducerTask = Pick<TaskId, "stage" | "incarnation">;

/**
 * @param stages names of the stages that are read from
 * @param taskOf the task that a name is of
 */
export function timeOf(
  state: TaskState,
  stages: readonly string[],
  taskOf: (name: string) => ProducerTask,
): ProducersTime {
  let least = END_OF_TIME;
  let most = BEFORE_ALL_TIME;
  let areIdle = true;
  const missing = new Set(stages);
  for (const [stage, [, , watermark, status]] of counted(state, stages, taskOf)) {
    missing.delete(stage);
    if (status === REPLACED) continue;
    most = Math.max(most, watermark);
    if (status === IDLE) continue;
    areIdle = false;
    least = Math.min(least, watermark);
  }
  if (missing.size > 0) return { watermark: BEFORE_ALL_TIME, areIdle: false, missing: [...missing] };
  return { watermark: areIdle ? most : least, areIdle, missing: [] };
}

/**
 * The least watermark that the tasks of some stages have told, idle ones too: before all time, as long as one of the
 * stages has not announced itself.
 */
export function leastTold(state: TaskState, stages: readonly string[], taskOf: (name: string) => ProducerTask): number {
  const missing = new Set(stages);
  let least = END_OF_TIME;
  for (const [stage, [, , watermark, status]] of counted(state, stages, taskOf)) {
    missing.delete(stage);
    if (status !== REPLACED) least = Math.min(least, watermark);
  }
  return missing.size > 0 ? BEFORE_ALL_TIME : least;
}

/**
 * Those that will say something more: of stages that this version reads from, and of a stage whose stream was made anew
 * the tasks of its newest incarnation.
 */
function* counted(
  state: TaskState,
  stages: readonly string[],
  taskOf: (name: string) => ProducerTask,
): Generator<readonly [stage: string, producer: Producer]> {
  const producers = state.table(PRODUCERS).entriesOf(SPACE) as ReadonlyMap<string, Producer>;
  const newest = new Map<string, number>();
  for (const name of producers.keys()) {
    const { stage, incarnation } = taskOf(name);
    newest.set(stage, Math.max(incarnation, newest.get(stage) ?? 0));
  }
  for (const [name, producer] of producers) {
    const { stage, incarnation } = taskOf(name);
    if (stages.includes(stage) && incarnation === newest.get(stage)) yield [stage, producer];
  }
}

/**
 * What the task of merged partitions knows of producers: of each, what the parent knew that heard more of it. What is of
 * an older epoch came before the merge and is in a parent's state; of one epoch the parents know different parts. What the
 * parents have asked of producers ends with them: the task asks anew.
 */
export function joinProducers(tables: readonly TableDelta[]): TableDelta {
  const joined = new Map<string, Producer>();
  for (const { put } of tables) {
    for (const [space, names, values] of put) {
      if (space !== SPACE) continue;
      names.forEach((name, i) => {
        const one = values[i] as Producer;
        const other = joined.get(name);
        joined.set(name, other === undefined ? one : joinTwo(one, other));
      });
    }
  }
  return {
    floor: Number.NEGATIVE_INFINITY,
    dropped: [],
    removed: [],
    put: joined.size === 0 ? [] : [[SPACE, [...joined.keys()], [...joined.values()]]],
  };
}

function joinTwo(a: Producer, b: Producer): Producer {
  if (a[3] === REPLACED || b[3] === REPLACED) return a[3] === REPLACED ? a : b;
  if (a[0] !== b[0]) return a[0] > b[0] ? a : b;
  // Neither has heard of it itself: it is no further than the slower of those that it takes over from.
  if (a[3] === ANNOUNCED && b[3] === ANNOUNCED) return [a[0], a[1], Math.min(a[2], b[2]), ANNOUNCED];
  // One epoch: who heard the end of it knows the producer's newest word.
  if (a[1] === null || b[1] === null) return a[1] === null ? a : b;
  const seen = new Uint8Array(Math.max(a[1].length, b[1].length));
  for (const bits of [a[1], b[1]]) bits.forEach((byte, i) => (seen[i]! |= byte));
  return [a[0], seen, Math.max(a[2], b[2]), Math.min(a[3], b[3]) === ACTIVE ? ACTIVE : a[3]];
}
