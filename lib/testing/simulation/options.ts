import { definitionError } from "../../errors.ts";
import type { Pipeline } from "../../pipeline/topology.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import { planStages, sourceOf as sourceOfStage, stageNamed, type Stage } from "../../plan/stage.ts";
import type { WriterLimits } from "../../runtime/commit-writer.ts";
import { WRITER_LIMITS } from "../../runtime/commit-writer.ts";
import { toPositiveMillis, type Duration } from "../../time/duration.ts";
import { DEFAULT_FAULTS, FAULT_KINDS, NO_FAULTS, type FaultName, type FaultRates } from "./faults.ts";
import type { Failure } from "./ledger.ts";
import type { SimulationResult } from "./result.ts";

/** Which faults happen and which events are put: all there is to repeat a simulation, beside its options. */
export interface Schedule {
  /** Exactly these happen. Without it, faults happen by chance. */
  readonly faults?: readonly FaultName[];
  /** Indexes of the events that are put, ascending. @default all */
  readonly events?: readonly number[];
}

/** A check of one's own: what it finds wrong, nothing when all is well. */
export type Check = (result: SimulationResult) => readonly Failure[];

export interface SimulationOptions {
  /** What is run. Its functions depend on their arguments alone. */
  readonly pipeline: Pipeline;
  /** What producers put, in the order of arrival. Must be what JSON can hold. */
  readonly events: readonly unknown[];
  /** The source into whose stream an event is put, by its index. @default the first */
  readonly sourceOf?: (event: number) => string;
  /** Decides about everything that is left to chance. */
  readonly seed: number | string;
  /** How often what goes wrong: 0 never, 1 always. What is not named is as `DEFAULT_FAULTS` says; `"none"` is nothing. */
  readonly faults?: Partial<FaultRates> | "none";
  /** At the start. @default 2 */
  readonly shards?: number;
  /** Of each stream between stages, at the start. @default 2 */
  readonly internalShards?: number;
  /** Execution environments at most, from 1. @default 8 */
  readonly environments?: number;
  /** Invocations that an environment serves at once, from 1. @default 1 */
  readonly concurrency?: number;
  /** Records in a batch, at most, from 1. @default 20 */
  readonly batchSize?: number;
  /** Bytes at which commits are spilled and checkpoints are due. @default as deployed */
  readonly limits?: WriterLimits;
  /** Mean time between two puts; most are closer, some are much further apart. @default 1 second */
  readonly pace?: Duration;
  /** A silence in the middle of the events. @default none */
  readonly pause?: Duration;
  /** How long the stream keeps a record. @default 7 days */
  readonly retention?: Duration;
  /** How long sinks that are down stay down. @default 10 minutes */
  readonly outage?: Duration;
  /** Between two sweeps. @default 1 day */
  readonly sweepEvery?: Duration;
  /** When a record that comes alone is suspected to kill the process. @default 1 minute after its arrival */
  readonly suspectAfter?: Duration;
  /** When the first event arrives: epoch milliseconds. @default at the latest event's time, so that none is of the future */
  readonly start?: number;
  /** Repeats a simulation, whole or in part. */
  readonly schedule?: Schedule;
  /** Checks beside the simulation's own. */
  readonly checks?: readonly Check[];
  /** Whether to tell of everything that happens. @default false */
  readonly trace?: boolean;
}

/** Options with nothing left open, in milliseconds. */
export interface Settings {
  readonly pipeline: Pipeline;
  /** Producers first. */
  readonly stages: readonly Stage[];
  /** The source into whose stream an event is put, by its index. */
  readonly sourceOf: (event: number) => SourceDeclaration;
  readonly events: readonly unknown[];
  readonly seed: number | string;
  readonly rates: FaultRates;
  readonly shards: number;
  readonly internalShards: number;
  readonly environments: number;
  readonly concurrency: number;
  readonly batchSize: number;
  readonly limits: WriterLimits;
  readonly pace: number;
  readonly pause: number;
  readonly retention: number;
  readonly outage: number;
  readonly sweepEvery: number;
  readonly suspectAfter: number;
  readonly start: number;
  readonly schedule: Schedule;
  readonly checks: readonly Check[];
}

/** @throws definition errors `simulation/option`, `time/duration`, `plan/no-stage` */
export function settingsOf(options: SimulationOptions): Settings {
  const { pipeline, events, faults = {} } = options;
  const stages = planStages(pipeline);
  const first = sourceOfStage(stages.find(({ input }) => input.kind === "source")!);
  const sourceOf = (event: number) =>
    options.sourceOf === undefined ? first : sourceOfStage(stageNamed(pipeline, options.sourceOf(event)));
  const millis = (name: string, duration: Duration) => toPositiveMillis(duration, `simulate(): ${name}`);
  return {
    pipeline,
    stages,
    sourceOf,
    events,
    seed: options.seed,
    rates: faults === "none" ? NO_FAULTS : ratesOf(faults),
    shards: whole("shards", options.shards ?? 2),
    internalShards: whole("internalShards", options.internalShards ?? 2),
    environments: whole("environments", options.environments ?? 8),
    concurrency: whole("concurrency", options.concurrency ?? 1),
    batchSize: whole("batchSize", options.batchSize ?? 20),
    limits: options.limits ?? WRITER_LIMITS,
    pace: millis("pace", options.pace ?? { seconds: 1 }),
    pause: options.pause === undefined ? 0 : millis("pause", options.pause),
    retention: millis("retention", options.retention ?? { days: 7 }),
    outage: millis("outage", options.outage ?? { minutes: 10 }),
    sweepEvery: millis("sweepEvery", options.sweepEvery ?? { days: 1 }),
    suspectAfter: millis("suspectAfter", options.suspectAfter ?? { minutes: 1 }),
    start: options.start ?? latestTime(sourceOf, events),
    schedule: options.schedule ?? {},
    checks: options.checks ?? [],
  };
}

function ratesOf(given: Partial<FaultRates>): FaultRates {
  for (const [kind, rate] of Object.entries(given)) {
    if (!(FAULT_KINDS as readonly string[]).includes(kind)) throw refuse(`there is no fault "${kind}"`);
    if (!(rate >= 0 && rate <= 1)) throw refuse(`the rate ${String(rate)} of "${kind}" is not from 0 to 1`);
  }
  return { ...DEFAULT_FAULTS, ...given };
}

function whole(name: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw refuse(`${name} is ${String(value)}, which is not a whole number from 1`);
}

function latestTime(sourceOf: Settings["sourceOf"], events: readonly unknown[]): number {
  let latest = 0;
  for (const [i, event] of events.entries()) {
    const source = sourceOf(i);
    try {
      const result = source.schema["~standard"].validate(event);
      if (result instanceof Promise || result.issues !== undefined) continue;
      latest = Math.max(latest, Number((source.eventTime as (value: unknown) => unknown)(result.value)) || 0);
    } catch {
      continue; // the event will be a dead letter
    }
  }
  return latest;
}

const refuse = (problem: string) => definitionError({ code: "simulation/option", message: `simulate(): ${problem}.` });
