import type { CheckpointPointer, SinkProgress, TaskItem, Trial } from "../../lib/state/changelog.ts";
import { begun, ended, NEW_TASK_ITEM } from "../../lib/state/changelog.ts";
import { bodyBytes, type StoredCommit } from "../../lib/state/commit.ts";
import type { HashRange } from "../../lib/state/hash-range.ts";
import { compareSequences } from "../../lib/state/position.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import type { Partition } from "../../lib/state/partition.ts";
import { TICKS } from "../../lib/runtime/tick.ts";

/** A task as the changelog's table has it. */
export interface TaskLog {
  /** In the order of their epochs. */
  readonly commits: readonly StoredCommit[];
  readonly item: TaskItem;
  /** Every commit there ever was, in the order of the puts: expiry deletes those above, never these. */
  readonly ever: readonly StoredCommit[];
}

/** A partition of the source: what it takes, and what it holds by now. */
export interface Shard {
  readonly id: string;
  readonly parents: readonly string[];
  readonly range: HashRange;
  /** The sequence numbers of its records, in their order. */
  readonly sequences: readonly string[];
}

/** Everything outside of processes, at one moment. Never changed: each request makes the next. */
export interface World {
  readonly tasks: ReadonlyMap<string, TaskLog>;
  readonly objects: ReadonlyMap<string, Uint8Array>;
  /** Per sink what it has received, by id. */
  readonly sinks: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Messages that wait, by body; how many times each. */
  readonly queue: ReadonlyMap<string, number>;
  readonly shards: readonly Shard[];
  /** Whether the shards have held all their records from the start. */
  readonly isStill: boolean;
}

/** A request of a process, as data. */
export interface Request {
  readonly service: "changelog" | "objects" | "sink" | "partitions";
  /** The method's name. */
  readonly operation: string;
  /** Of a sink its name. */
  readonly subject: string;
  readonly args: readonly unknown[];
}

export interface Outcome {
  readonly world: World;
  readonly answer: unknown;
}

/** What the services do with a request. */
export type Services = (world: World, request: Request) => Outcome;

const READS = new Set(["newest", "range", "get", "list", "isAtTip"]);

/** Whether a request changes nothing: then it does not matter whether one without a reader was carried out. */
export const isRead = ({ operation }: Request): boolean => READS.has(operation);

export const emptyWorld = (shards: readonly Shard[], isStill = true): World => ({
  tasks: new Map(),
  objects: new Map(),
  sinks: new Map(),
  queue: new Map(),
  shards,
  isStill,
});

const NEW_LOG: TaskLog = { commits: [], item: NEW_TASK_ITEM, ever: [] };

export const logOf = (world: World, task: string): TaskLog => world.tasks.get(task) ?? NEW_LOG;

export function withEntry<K, V>(map: ReadonlyMap<K, V>, key: K, value: V): ReadonlyMap<K, V> {
  return new Map(map).set(key, value);
}

/** A queue holds a message no more often than this: as often as it comes, more would only be more of the same. */
const MOST_REPEATS = 2;

/** The queue with so many more (or fewer) of a message. */
export function withMessage(world: World, body: string, more: number): World {
  const queue = new Map(world.queue);
  const count = (queue.get(body) ?? 0) + more;
  if (count > 0) queue.set(body, Math.min(count, MOST_REPEATS));
  else queue.delete(body);
  return { ...world, queue };
}

/** The services as they should be. That this changelog is one, its contract says (`explorer.test.ts`). */
export const services: Services = (world, { service, operation, subject, args }) => {
  switch (service) {
    case "changelog":
      return changelog(world, operation, args);
    case "objects":
      return objects(world, operation, args);
    case "partitions":
      return { world, answer: partitions(world, operation, args) };
    case "sink":
      return { world: deliver(world, subject, args[0] as readonly Delivery[]), answer: [] };
  }
};

function changelog(world: World, operation: string, args: readonly unknown[]): Outcome {
  const [task] = args as [string];
  const log = logOf(world, task);
  const raised = (item: Partial<TaskItem>): Outcome => ({
    world: { ...world, tasks: withEntry(world.tasks, task, { ...log, item: { ...log.item, ...item } }) },
    answer: undefined,
  });
  const unchanged = { world, answer: undefined };
  switch (operation) {
    case "newest": {
      const { from, limit } = args[1] as { readonly from: number; readonly limit?: number };
      const found = log.commits.filter(({ epoch }) => epoch >= from).toReversed();
      const commits = found.slice(0, limit);
      const answer = { item: log.item, commits, complete: commits.length === found.length, bytes: bytesOf(commits) };
      return { world, answer };
    }
    case "range": {
      const [, from, to] = args as [string, number, number];
      const commits = log.commits.filter(({ epoch }) => epoch >= from && epoch <= to);
      return { world, answer: { commits, bytes: bytesOf(commits) } };
    }
    case "append": {
      const commit = args[1] as StoredCommit;
      const there = log.commits.find(({ epoch }) => epoch === commit.epoch);
      if (there !== undefined) return { world, answer: there.nonce === commit.nonce };
      const commits = [...log.commits, commit].sort((a, b) => a.epoch - b.epoch);
      const appended = { ...log, commits, ever: [...log.ever, commit] };
      return { world: { ...world, tasks: withEntry(world.tasks, task, appended) }, answer: true };
    }
    case "raiseDelivered": {
      const epoch = args[1] as number;
      return epoch > log.item.delivered ? raised({ delivered: epoch }) : unchanged;
    }
    case "raiseProgress": {
      const [, sink, progress] = args as [string, string, SinkProgress];
      const there = log.item.deliveredTo[sink] ?? { epoch: 0, count: 0 };
      const isHigher = progress.epoch > there.epoch || (progress.epoch === there.epoch && progress.count > there.count);
      return isHigher ? raised({ deliveredTo: { ...log.item.deliveredTo, [sink]: progress } }) : unchanged;
    }
    case "beginTrial": {
      const [, seen, position, attempt] = args as [string, Trial, string, string];
      const { trial } = log.item;
      if (trial.version !== seen.version) return { world, answer: trial.attempts.includes(attempt) };
      return { ...raised({ trial: begun(seen, position, attempt) }), answer: true };
    }
    case "endTrial": {
      return raised({ trial: ended(log.item.trial, args[1] as string) });
    }
    case "noteLineage":
      return log.item.lineage === undefined ? raised({ lineage: args[1] as readonly Partition[] }) : unchanged;
    case "raiseCheckpoint": {
      const pointer = args[1] as CheckpointPointer;
      if (pointer.epoch <= (log.item.checkpoint?.epoch ?? 0)) return unchanged;
      return raised({ checkpoint: pointer, previousCheckpoint: log.item.checkpoint });
    }
    default:
      throw new Error(`The changelog has no ${operation}`);
  }
}

function objects(world: World, operation: string, args: readonly unknown[]): Outcome {
  const [key] = args as [string];
  switch (operation) {
    case "put":
      return {
        world: { ...world, objects: withEntry(world.objects, key, args[1] as Uint8Array) },
        answer: undefined,
      };
    case "get":
      return { world, answer: world.objects.get(key) };
    case "list":
      return { world, answer: [...world.objects.keys()].filter((one) => one.startsWith(key)).sort() };
    case "delete": {
      const left = new Map(world.objects);
      for (const one of args[0] as readonly string[]) left.delete(one);
      return { world: { ...world, objects: left }, answer: undefined };
    }
    default:
      throw new Error(`The object store has no ${operation}`);
  }
}

function partitions(world: World, operation: string, args: readonly unknown[]): unknown {
  switch (operation) {
    case "list":
      return world.shards.map(({ id, parents, range }): Partition => ({ id, parents, range }));
    case "isAtTip": {
      const [partition, sequence] = args as [string, string];
      const shard = world.shards.find(({ id }) => id === partition);
      return !shard?.sequences.some((one) => compareSequences(one, sequence) > 0);
    }
    default:
      throw new Error(`The source has no ${operation}`);
  }
}

function deliver(world: World, sink: string, items: readonly Delivery[]): World {
  const received = new Map(world.sinks.get(sink));
  for (const { id, body } of items) received.set(id, body);
  const delivered = { ...world, sinks: withEntry(world.sinks, sink, received) };
  // A queue takes every message, one that it had before too.
  return sink === TICKS ? items.reduce((next, { body }) => withMessage(next, body, 1), delivered) : delivered;
}

const bytesOf = (commits: readonly StoredCommit[]): number =>
  commits.reduce((sum, commit) => sum + bodyBytes(commit), 0);
