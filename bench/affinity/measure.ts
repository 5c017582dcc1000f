import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { count, max, mean, min, sum, type Aggregate } from "millrace";
import { decodeCheckpoint } from "../../lib/state/checkpoint.ts";
import { decodeCommit } from "../../lib/state/commit.ts";
import { encodeKey } from "../../lib/state/key.ts";
import type { LoadedTask } from "../../lib/runtime/loaded-task.ts";
import type { TaskState } from "../../lib/state/task-state.ts";
import { MemoryChangelog, MemoryObjects } from "../../lib/testing/index.ts";
import { TASK } from "./model-stores.ts";
import { randomFrom, type Random } from "./random.ts";
import { loadedTask, writerOn } from "./rules.ts";

/**
 * Measures on this machine what `assumptions.ts` records: what a state costs to write, to read and to hold. The
 * state is that of a window operator: a user per entry, five aggregates of a record's number. CPU of one process; the least
 * of several rounds, since what disturbs a round only makes it slower.
 */
export interface Measured {
  /** Bytes that an entry takes in a checkpoint object. */
  readonly encodedBytesPerEntry: number;
  /** Bytes of heap that a byte of checkpoint takes once it is loaded and a batch has touched 1,000 entries. */
  readonly heapPerEncodedByte: number;
  /** The same where every entry was touched, and a third put anew: from there on a checkpoint is due. */
  readonly mostHeapPerEncodedByte: number;
  /** The same for the most that a load takes while it runs: object, inflated bytes, decoded values and tables. */
  readonly loadPeakPerEncodedByte: number;
  /** MB (2^20 bytes of the object) a second: checksum, inflate, unpack, apply, and 1,000 entries touched. */
  readonly loadMegabytesPerSecond: number;
  /** MB of the object a second, a third of whose entries have changed: merge, pack, deflate, checksum. */
  readonly encodeMegabytesPerSecond: number;
  /** Milliseconds to read one commit of `commitBytes` and to apply it. */
  readonly followMillis: number;
  readonly commitBytes: number;
}

const OPERATOR = "per-user";
const aggregates = Object.values({
  events: count(),
  total: sum((value: number) => value),
  average: mean((value: number) => value),
  least: min((value: number) => value),
  most: max((value: number) => value),
}) as Aggregate<never, unknown>[];

const MB = 1_024 * 1_024;

/** Puts `entries` users with a few records each into the operator's table. */
function put(state: TaskState, entries: readonly number[], random: Random): void {
  const table = state.table(OPERATOR);
  for (const entry of entries) {
    state.beginUnit();
    let accumulators = aggregates.map((aggregate) => aggregate.init());
    for (let record = 0; record < 3; record++) {
      const value = Math.round(random.next() * 100_000) / 100;
      accumulators = aggregates.map((aggregate, i) => aggregate.add(accumulators[i] as never, value as never));
    }
    table.put(3_600_000 * (entry % 2), encodeKey({ user: `user-${entry}` }), accumulators);
  }
}

/** Milliseconds of CPU that the least of some rounds took. @param prepare comes before each, and does not count */
async function fastest(
  rounds: number,
  run: () => Promise<unknown>,
  prepare: () => Promise<unknown> = async () => undefined,
): Promise<number> {
  let least = Number.POSITIVE_INFINITY;
  for (let round = 0; round < rounds; round++) {
    await prepare();
    const start = process.cpuUsage();
    await run();
    const { user, system } = process.cpuUsage(start);
    least = Math.min(least, (user + system) / 1_000);
  }
  return least;
}

const indexes = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

/** Entries that a batch touches. */
const TOUCHED = 1_000;

/**
 * @param entries of the state: 100,000 are a checkpoint of some MB
 * @param inRuns whether they are a sorted run where they are many, as most operators' are
 */
export async function measure(entries: number, inRuns: boolean): Promise<Measured> {
  const collect = garbageCollector();
  const random = randomFrom(1);
  const changelog = new MemoryChangelog();
  const objects = new MemoryObjects();
  const writer = writerOn(changelog, objects);
  const fresh = () => loadedTask(inRuns ? [OPERATOR] : []);
  const task = fresh();
  put(task.state, indexes(entries), random);
  await writer.append(TASK, task, [], 0);
  const change = async () => {
    touch(task, Math.ceil(entries / 3), random); // as many as let one be due
    await writer.append(TASK, task, [], 0);
  };
  const encodeMillis = await fastest(3, () => writer.checkpoint(TASK, task), change);
  const { checkpoint } = (await changelog.newest(TASK, { from: 1 })).item;
  const bytes = checkpoint!.bytes;
  const object = (await objects.get(checkpoint!.key))!;
  const load = async () => {
    const loaded = fresh();
    const { header, tables } = decodeCheckpoint(TASK, checkpoint!, object.slice());
    loaded.state.apply(header, tables, true);
    touch(loaded, Math.min(entries, TOUCHED), random);
    return loaded;
  };
  const loadMillis = await fastest(5, load);
  const heap = await heapOf(collect, load, entries, random);
  return {
    encodedBytesPerEntry: bytes / entries,
    heapPerEncodedByte: heap.kept / bytes,
    mostHeapPerEncodedByte: heap.most / bytes,
    loadPeakPerEncodedByte: heap.peak / bytes,
    loadMegabytesPerSecond: bytes / MB / (loadMillis / 1_000),
    encodeMegabytesPerSecond: bytes / MB / (encodeMillis / 1_000),
    ...(await measureCommits(task, random, bytes / entries)),
  };
}

/** Puts some entries anew, drawn evenly. */
function touch({ state }: LoadedTask, some: number, random: Random): void {
  const { size } = state.table(OPERATOR);
  const drawn = Array.from({ length: some }, () => random.below(size));
  put(state, drawn, random);
}

/** A log of commits of about 3 KB, followed by a process that knows the state before it. */
async function measureCommits(task: LoadedTask, random: Random, bytesPerEntry: number) {
  const changelog = new MemoryChangelog();
  const objects = new MemoryObjects();
  const writer = writerOn(changelog, objects);
  const cached = loadedTask();
  put(cached.state, indexes(10_000), random);
  cached.state.takeDeltas();
  [cached.epoch, cached.nonce] = [task.epoch, task.nonce];
  const repeats = 200;
  let bytes = 0;
  for (let i = 0; i < repeats; i++) {
    put(task.state, indexes(Math.round(3_072 / bytesPerEntry)), random);
    bytes += (await writer.append(TASK, task, [], 0)).bytes;
  }
  const { commits } = await changelog.range(TASK, cached.epoch + 1, task.epoch);
  const millis = await fastest(5, async () => {
    for (const commit of commits) cached.follow(commit, decodeCommit(commit, commit.body as Uint8Array, TASK));
  });
  return { followMillis: millis / repeats, commitBytes: bytes / repeats };
}

function garbageCollector(): () => void {
  setFlagsFromString("--expose-gc");
  return runInNewContext("gc") as () => void;
}

/** Bytes of heap and buffers: of what a load keeps, of that with all entries touched, and before anything is collected. */
async function heapOf(
  collect: () => void,
  load: () => Promise<LoadedTask>,
  entries: number,
  random: Random,
): Promise<{ kept: number; most: number; peak: number }> {
  collect();
  const used = () => process.memoryUsage().heapUsed + process.memoryUsage().arrayBuffers;
  const before = used();
  const loaded = await load();
  const peak = used() - before;
  collect();
  const kept = used() - before;
  const table = loaded.state.table(OPERATOR);
  for (let entry = 0; entry < entries; entry++)
    table.get(3_600_000 * (entry % 2), encodeKey({ user: `user-${entry}` }));
  put(loaded.state, indexes(Math.ceil(entries / 3)), random);
  loaded.state.takeDeltas();
  collect();
  const most = used() - before;
  if (loaded.state.size !== entries) throw new Error("The state that was loaded is another one.");
  return { kept, most, peak: Math.max(peak, kept) };
}
