import type { FaultKind, FaultName } from "./faults.ts";
import type { Failure } from "./ledger.ts";

/** A dead letter's counterpart: a record that the simulation put. */
export interface PutEvent {
  /** The event's index. */
  readonly event: number;
  readonly shard: string;
  readonly sequence: string;
  /** Whether the stream's retention had passed before it could be processed. */
  readonly isLost: boolean;
}

/** What a simulation came to. */
export interface SimulationResult {
  readonly seed: number | string;
  /** What was found wrong; empty when all checks held. */
  readonly failures: readonly Failure[];
  /** The code of the error with which the runtime stopped, where an assumption was violated on purpose. */
  readonly stopped: string | undefined;
  /** How often what went wrong. */
  readonly faults: Readonly<Record<FaultKind, number>>;
  /** The faults that happened, in their order: with the seed and the options they repeat the simulation. */
  readonly schedule: { readonly faults: readonly FaultName[]; readonly events: readonly number[] };
  /** Every record that was put. */
  readonly put: readonly PutEvent[];
  /** What sinks received, by sink and output id: as their readers see it that hide repeats. Dead letters among them. */
  readonly received: ReadonlyMap<string, ReadonlyMap<string, string>>;
  /** Of the source, over all tasks. */
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
