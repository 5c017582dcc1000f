import type { Duration } from "millrace";
import { DEFAULT_FAULTS, FAULT_KINDS, type FaultRates, type SimulationOptions } from "millrace/testing";
import { Draws, type DrawStream } from "../../lib/testing/simulation/draws.ts";
import { accountOfIds } from "./account-of-ids.ts";
import { idPipeline, type Identified } from "./id-pipeline.ts";
import { accountOfStages, stagedPipeline } from "./staged.ts";

const START = Date.UTC(2026, 0, 1);

/** Everything spilled and checkpointed; some of it, in parts; as deployed. */
const LIMITS = [
  { spill: 0, shortLog: 0, checkpoint: 0, run: { entries: 1, block: 24 } },
  { spill: 400, shortLog: 1_000, checkpoint: 500, run: { entries: 3, block: 100 }, turn: 4, late: 3 },
  undefined,
] as const;

/** What a configuration adds to a pipeline of one's own. */
export type Surroundings = Omit<SimulationOptions, "pipeline" | "events" | "seed">;

/** Surroundings of all kinds: a seed decides about each. */
export function surroundings(seed: string): Surroundings {
  const draws = new Draws(seed).stream("surroundings");
  const limits = draws.pick(LIMITS);
  // Sinks (not the table, which must remember what the stream forgets) are down for longer than the stream keeps
  // records. Sweeps are more frequent than that, as where it is deployed.
  const loses = draws.chance(0.04);
  const sleeps = !loses && draws.chance(0.08);
  // Around some pauses records are rare: commits of before have expired while those of after are needed.
  const isSlow = sleeps && new Draws(seed).at("slow", 0) < 0.6;
  const expires = draws.chance(0.03);
  const kills = draws.chance(0.02);
  return {
    shards: draws.pick([1, 1, 2, 3, 4]),
    environments: draws.pick([1, 2, 3, 8, 30, 200]),
    concurrency: draws.pick([1, 1, 2, 4]),
    batchSize: draws.pick([1, 5, 20, 100]),
    ...(limits && { limits }),
    pace: expires ? { seconds: 60 } : draws.pick<Duration>([{ millis: 200 }, { seconds: 1 }, { seconds: 10 }]),
    ...(sleeps && { pause: { days: 40 } }),
    ...(isSlow && { pace: { hours: 6 } }),
    retention: loses ? { hours: 1 } : { days: 7 },
    outage: loses ? { hours: 3 } : draws.pick<Duration>([{ seconds: 30 }, { minutes: 20 }]),
    sweepEvery: sleeps
      ? { days: 1 }
      : loses
        ? { minutes: 20 }
        : draws.pick<Duration>([{ minutes: 5 }, { minutes: 20 }, { days: 1 }]),
    suspectAfter: draws.pick<Duration>([{ seconds: 1 }, { minutes: 1 }, { minutes: 10 }]),
    faults: {
      ...faults(draws),
      ...(loses && { "sink-down": 0.3, "table-down": 0 }),
      ...(kills && { killer: 0.3, doubled: 0.1, replayed: 0.1 }),
      "early-expiry": expires ? 0.3 : 0,
      ...(isSlow && { expiry: 0.9 }),
    },
  };
}

/** Some kinds never, others often: what always comes together hides what comes alone. */
function faults(draws: DrawStream): Partial<FaultRates> {
  const rates = FAULT_KINDS.map((kind) => [kind, Math.min(1, DEFAULT_FAULTS[kind] * draws.pick([0, 0, 1, 1, 4]))]);
  return Object.fromEntries(rates) as Partial<FaultRates>;
}

const pipelines = new Map<string, ReturnType<typeof idPipeline>>();

/** The share of runs whose pipeline has several stages. */
const STAGED_SHARE = 0.15;

/** One of the built-in pipelines with events and surroundings of all kinds. */
export const configuration = (seed: string): SimulationOptions =>
  new Draws(seed).at("stages", 0) < STAGED_SHARE ? stagedConfiguration(seed) : identifiedConfiguration(seed);

/** A pipeline of several stages. */
export function stagedConfiguration(seed: string): SimulationOptions {
  const draws = new Draws(seed).stream("staged");
  const around = surroundings(seed);
  const events = eventsOf(draws, draws.between(5, 30), pace(around));
  return {
    pipeline: stagedPipeline(draws),
    events,
    seed,
    start: START,
    ...around,
    internalShards: draws.pick([1, 2, 3]),
    checks: [(result) => accountOfStages(events, result)],
  };
}

/** The pipeline of one stage whose rows carry ids. */
export function identifiedConfiguration(seed: string): SimulationOptions {
  const draws = new Draws(seed).stream("configuration");
  const around = surroundings(seed);
  const times = {
    disorder: draws.pick<Duration>([{}, { seconds: 2 }, { seconds: 20 }]),
    allowedLateness: draws.pick<{ readonly seconds?: number }>([{}, { seconds: 5 }]),
    idle: draws.pick<Duration | "never">(["never", { seconds: 20 }, { minutes: 5 }]),
  };
  const name = JSON.stringify(times);
  let pipeline = pipelines.get(name);
  if (pipeline === undefined) pipelines.set(name, (pipeline = idPipeline(times)));
  const isBadDay = draws.chance(0.03);
  const events = eventsOf(draws, isBadDay ? 300 : draws.between(10, 90), pace(around));
  return {
    pipeline,
    events,
    seed,
    start: START,
    ...around,
    ...(isBadDay && { shards: 1, faults: { ...(around.faults as Partial<FaultRates>), "bad-deploy": 0.2 } }),
    checks: [(result) => accountOfIds(events, (times.allowedLateness.seconds ?? 0) * 1_000, result)],
  };
}

const pace = ({ pace: { hours = 0, seconds = 0, millis = 0 } = {} }: Surroundings): number =>
  hours * 3_600_000 + seconds * 1_000 + millis;

const ODD = ["throw", "break-its-window", "break-after-its-window"] as const;

/** Events in the order of their arrival, their times out of order by as much as it happens. */
function eventsOf(draws: DrawStream, n: number, mean: number): Identified[] {
  const keys = draws.pick([1, 5, 15]);
  const disorder = draws.pick([0, 2_000, 15_000, 60_000]);
  const odd = draws.pick([0, 0, 0.03]);
  return Array.from({ length: n }, (_, id) => {
    const does = draws.chance(odd) ? draws.pick(ODD) : draws.chance(0.05) ? "skip" : "count";
    const time = START + Math.round(id * mean) - draws.below(disorder + 1);
    return { id, key: `key ${draws.below(keys)}`, time, does };
  });
}
