import type { WriterLimits } from "../../lib/runtime/commit-writer.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { HashRange } from "../../lib/state/hash-range.ts";
import type { IdsOptions } from "./ids-pipeline.ts";
import type { Services } from "./world.ts";

/** A partition of the source, with all that ever comes into it. */
export interface ShardPlan {
  readonly id: string;
  /** @default none */
  readonly parents?: readonly string[];
  /** @default all keys */
  readonly range?: HashRange;
  readonly records: readonly IncomingRecord[];
}

/** An event source mapping: hands over a shard's records in order, again and again until each batch succeeds. */
export interface MappingPlan {
  readonly shard: string;
  /** The sizes of batches it may cut, anew at every attempt. */
  readonly cuts: readonly number[];
}

/** A message in the queue from the start. */
export interface MessagePlan {
  readonly type: "drain" | "sweep";
  readonly shard: string;
  /** Not handed over before, and what has a later time not before it is done: epoch milliseconds. @default at once */
  readonly at?: number;
}

/**
 * What may go wrong.
 *
 * - `crash`: a process ends between two inputs; each of its requests on their way lands at any later moment, or never
 * - `timeout`: a process gets an error for a request, which itself lands at any later moment, or never
 * - `double`: a request arrives twice, as when a client tries again: once at any later moment, or never
 * - `part`: a sink takes the first of the items and fails at the others, and says so or does not
 * - `repeat`: the queue hands a message over once more
 */
export type FaultKind = "crash" | "timeout" | "double" | "part" | "repeat";

export interface FaultPlan {
  /** So many of them, of whatever kinds, in one schedule. */
  readonly budget: number;
  readonly kinds: readonly FaultKind[];
  /**
   * `any`: what a fault leaves on its way lands at any later moment. `prompt`: at once or never, which is much
   * smaller. @default "any"
   */
  readonly landing?: "any" | "prompt";
}

/** A small world whose every schedule is run. */
export interface Configuration {
  readonly name: string;
  /** What it is about, in a sentence. */
  readonly about: string;
  readonly shards: readonly ShardPlan[];
  readonly mappings: readonly MappingPlan[];
  readonly messages?: readonly MessagePlan[];
  readonly faults: FaultPlan;
  readonly pipeline?: IdsOptions;
  readonly limits?: WriterLimits;
  /** The clock at the start. @default when the records arrived */
  readonly startsAt?: number;
  /** @default infinity: no record is ever suspect */
  readonly suspectAfter?: number;
  /** So many idle processes are kept and may be used again. @default 0 */
  readonly warm?: number;
  /** Processes take more than one invocation at a time. @default false */
  readonly reentrant?: boolean;
  /** Ticks that may come while records are still to be read; all others come after. @default 2 */
  readonly earlyTicks?: number;
  /** So many messages are given out at a time. @default any number */
  readonly messagesAtOnce?: number;
  /**
   * The requests that one process sends at the same time are answered in their order, between whatever others do:
   * not exhaustive, where two long chains of requests run in one process. @default false
   */
  readonly answersInOrder?: boolean;
  /** Records come one by one, at any moment, instead of being there from the start. @default false */
  readonly arrivals?: boolean;
  /** Commits that are past their time are deleted, at any moment. @default false */
  readonly expiry?: boolean;
  /** What differs in the longer run. */
  readonly deep?: Partial<Omit<Configuration, "name" | "about" | "deep">>;
  /** Services that are not as they should be, to see them found out. */
  readonly services?: Services;
}

/** Thrown where a schedule has broken a law. */
export class Violation extends Error {}

/** @throws {@link Violation} unless a law holds */
export function must(holds: boolean, law: string): asserts holds {
  if (!holds) throw new Violation(law);
}
