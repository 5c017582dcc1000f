import type { FaultKind, FaultName } from "./faults.ts";
import type { Failure } from "./ledger.ts";

/** A record that the simulation put. */
export interface PutEvent {
  /** The event's index. */
  readonly event: number;
  readonly shard: string;
  readonly sequence: string;
  /** Whether the stream's retention had passed before it could be processed. */
  readonly isLost: boolean;
  /** How far event time had come for its key before it was folded: epoch milliseconds. */
  readonly watermark: number | undefined;
}

/** What came of the faults. */
export const NO_EFFECTS = {
  /** Batches cut in halves, since their process ended. */
  bisected: 0,
  /** Processes ended by a record. */
  killed: 0,
  /** Records given up, since the stream's retention had passed. */
  expired: 0,
  /** Batches given to a process that knew the task from before another one worked on it. */
  stale: 0,
  /** Commits that another process was faster with. */
  conflicts: 0,
  /** Commits delivered again, as it was not known that they had been. */
  redeliveries: 0,
  spilled: 0,
  checkpoints: 0,
  /** Objects that a reader looked for and that had been deleted. */
  missing: 0,
  /** Tasks ended by a split or merge. */
  sealed: 0,
  /** Turns of ticks. */
  ticks: 0,
  /** Dead letters taken back. */
  redriven: 0,
};

export type Effects = typeof NO_EFFECTS;

/** What a simulation came to. */
export interface SimulationResult {
  readonly seed: number | string;
  /** What was found wrong; empty when all checks held. */
  readonly failures: readonly Failure[];
  /** The code of the error with which the runtime stopped, where an assumption was violated on purpose. */
  readonly stopped: string | undefined;
  /** How often what went wrong. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  readonly effects: Readonly<Effects>;
  /** The faults that happened, in their order: with the seed and the options they repeat the simulation. */
  readonly schedule: { readonly faults: readonly FaultName[]; readonly events: readonly number[] };
  /** Every record that was put. */
  readonly put: readonly PutEvent[];
  /** What sinks received, by sink and output id: as their readers see it that hide repeats. Dead letters among them. */
  readonly received: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Dead letters that were given back to their tasks, by output id: what became of them is elsewhere in `received`. */
  readonly redriven: ReadonlySet<string>;
  /** Of the source, over all tasks: `in` counts each record once, `dead` and `late` also what was given back. */
  readonly counts: { readonly in: number; readonly dead: number; readonly late: number; readonly lost: number };
  readonly commits: number;
  readonly invocations: number;
  readonly requests: number;
  readonly deliveries: number;
  /** Milliseconds of simulated time. */
  readonly duration: number;
  /** Everything that happened, in its order, if it was asked for. */
  readonly trace: readonly string[];
}
