import { EventQueue } from "./event-queue.ts";
import { ContainerPool, type Assignment, type Container } from "./pool.ts";
import { randomFrom } from "./random.ts";

export interface AffinitySettings {
  readonly shards: number;
  /** Share of time that a shard has a batch in flight, 0 to 1; at 1 the next batch follows after `invokeSeconds`. */
  readonly duty: number;
  readonly assignment: Assignment;
  /** The most states that a container keeps, least recently used out first; {@link gapsWith} asks for fewer. */
  readonly cachedTasks: number;
  /** Batches per shard: those that are not counted, and those that are. */
  readonly warmUp: number;
  readonly measured: number;
  /** Shards whose batches are recorded. */
  readonly sampled: number;
  readonly seed: number;
  /** The chance that a container is gone after a batch: recycling by AWS, crashes. @default 0 */
  readonly churn?: number;
}

/** A container's view of a task when it gets a batch of it. */
export const COLD = -1;

export interface Affinity {
  /**
   * Per recorded batch, shard after shard: how many batches of the shard other containers have committed since this
   * one had it (0: its state is the head), or {@link COLD}: it knows nothing of it.
   */
  readonly gaps: Int32Array;
  /** Per recorded batch that is not cold: how many states its container must keep for that, this task's included. */
  readonly depths: Int32Array;
  /** Containers that exist because that many invocations ran at once or others were reclaimed. */
  readonly created: number;
}

/** Seconds: a turn takes 0.5 to 1.5 times this. The figures depend on ratios to it only, and on `RECLAIM_SECONDS`. */
const TURN_SECONDS = 0.1;
/** Seconds, exponential: between the end of a batch and the invocation with the next, where one waits already. */
const INVOKE_SECONDS = 0.005;
/** Seconds that an idle container is kept. AWS documents none. */
const RECLAIM_SECONDS = 600;

/**
 * Invocations of one function by the shards of a stream, each with one batch in flight at a time and idle for an
 * exponential time between them. Nothing here depends on the size of states: that is `task-model.ts`'s subject.
 */
export function simulateAffinity(settings: AffinitySettings): Affinity {
  const { shards, duty, warmUp, measured, churn = 0 } = settings;
  const random = randomFrom(settings.seed);
  const pool = new ContainerPool(settings.assignment, random, RECLAIM_SECONDS);
  const queue = new EventQueue(shards);
  const busy: (Container | undefined)[] = Array.from({ length: shards }, () => undefined);
  const batches = new Int32Array(shards);
  const sampled = Math.min(settings.sampled, shards);
  const gaps = new Int32Array(sampled * measured);
  const depths = new Int32Array(gaps.length);
  const idle = () => random.exponential(INVOKE_SECONDS + (TURN_SECONDS * (1 - duty)) / duty);
  for (let shard = 0; shard < shards; shard++) queue.push(shard, idle() + random.next() * TURN_SECONDS);
  for (let left = sampled * measured; left > 0;) {
    const shard = queue.pop();
    const now = queue.timeOf(shard);
    const container = busy[shard];
    if (container !== undefined) {
      busy[shard] = undefined;
      if (churn === 0 || random.next() >= churn) pool.release(container, now);
      queue.push(shard, now + idle());
      continue;
    }
    const taken = pool.take(now);
    const batch = batches[shard]!++;
    if (shard < sampled && batch >= warmUp && batch < warmUp + measured) {
      const at = shard * measured + batch - warmUp;
      const seen = taken.known.get(shard);
      gaps[at] = seen === undefined ? COLD : batch - seen;
      depths[at] = seen === undefined ? 0 : depthOf(shard, taken);
      left--;
    }
    keep(taken, shard, batch + 1, settings.cachedTasks);
    busy[shard] = taken;
    queue.push(shard, now + TURN_SECONDS * (0.5 + random.next()));
  }
  return { gaps, depths, created: pool.created };
}

/** As `taskOf` does with its tasks (lib/runtime, MAX_TASKS): the newest is last, the first goes. */
function keep({ known }: Container, shard: number, batch: number, cachedTasks: number): void {
  known.delete(shard);
  known.set(shard, batch);
  if (known.size > cachedTasks) known.delete(known.keys().next().value!);
}

function depthOf(shard: number, { known }: Container): number {
  let before = 0;
  for (const other of known.keys()) {
    if (other === shard) break;
    before++;
  }
  return known.size - before;
}

/** The gaps of containers that keep fewer states: with the least recently used out first, a smaller cache holds a part of a larger one. */
export const gapsWith = ({ gaps, depths }: Affinity, cachedTasks: number): Int32Array =>
  gaps.map((gap, i) => (depths[i]! > cachedTasks ? COLD : gap));

export interface Shares {
  /** Of batches: whose container knows a state, but not the newest. */
  readonly stale: number;
  /** Of batches: whose container knows none. */
  readonly cold: number;
  /** Batches that a stale state is behind, in the mean. */
  readonly behind: number;
}

export function sharesOf(gaps: Int32Array): Shares {
  const stale = gaps.filter((gap) => gap > 0);
  const behind = stale.reduce((sum, gap) => sum + gap, 0);
  return {
    stale: stale.length / gaps.length,
    cold: gaps.filter((gap) => gap === COLD).length / gaps.length,
    behind: stale.length === 0 ? 0 : behind / stale.length,
  };
}
