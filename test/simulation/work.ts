import { pathToFileURL } from "node:url";
import path from "node:path";
import type { Pipeline } from "millrace";
import {
  simulate,
  type FaultKind,
  type Schedule,
  type SimulationOptions,
  type SimulationResult,
} from "millrace/testing";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { configuration, surroundings } from "./configurations.ts";

/** What a module given to the command exports: a pipeline, and events for it. */
export interface SimulatedModule {
  readonly default: Pipeline;
  /** @param random gives the next number from 0 to 1 */
  readonly events: (random: () => number) => readonly unknown[];
  /** Options that all its simulations have. */
  readonly options?: Partial<SimulationOptions>;
}

/** A failed run: enough to repeat it. */
export interface FailedRun {
  readonly run: number;
  readonly failures: SimulationResult["failures"];
}

/** What some runs came to, as one sum. */
export interface Sum {
  runs: number;
  events: number;
  commits: number;
  stopped: number;
  readonly counts: Record<string, number>;
  readonly faults: Record<string, number>;
  readonly failed: FailedRun[];
}

export const emptySum = (): Sum => ({ runs: 0, events: 0, commits: 0, stopped: 0, counts: {}, faults: {}, failed: [] });

/** The options of the n-th run of a seed. */
export type Configure = (seed: string) => SimulationOptions;

/** How a command's runs are configured. */
export async function configureFrom(file: string | undefined): Promise<Configure> {
  if (file === undefined) return configuration;
  const module = (await import(pathToFileURL(path.resolve(file)).href)) as Partial<SimulatedModule>;
  const { default: pipeline, events, options } = module;
  if (pipeline?.kind !== "pipeline" || typeof events !== "function") {
    throw new Error(`${file} exports a pipeline as default, and events(random) that makes events for it.`);
  }
  return (seed) => {
    const draws = new Draws(seed).stream("events");
    return { pipeline, events: events(() => draws.next()), seed, ...surroundings(seed), ...options };
  };
}

/** The seed of one run. */
export const seedOf = (seed: string, run: number): string => `${seed}/${run}`;

/** One run. */
export function runOnce(
  configure: Configure,
  seed: string,
  run: number,
  schedule?: Schedule,
): Promise<SimulationResult> {
  return simulate({ ...configure(seedOf(seed, run)), ...(schedule && { schedule }) });
}

export function add(sum: Sum, run: number, result: SimulationResult): void {
  sum.runs++;
  sum.events += result.put.length;
  sum.commits += result.commits;
  if (result.stopped !== undefined) sum.stopped++;
  for (const [kind, n] of Object.entries(result.faults) as [FaultKind, number][]) {
    sum.faults[kind] = (sum.faults[kind] ?? 0) + n;
  }
  for (const [kind, n] of Object.entries({ ...result.effects, late: result.counts.late, dead: result.counts.dead })) {
    sum.counts[kind] = (sum.counts[kind] ?? 0) + n;
  }
  if (result.failures.length > 0) sum.failed.push({ run, failures: result.failures });
}

export function join(sum: Sum, other: Sum): void {
  sum.runs += other.runs;
  sum.events += other.events;
  sum.commits += other.commits;
  sum.stopped += other.stopped;
  for (const [to, from] of [
    [sum.faults, other.faults],
    [sum.counts, other.counts],
  ] as const) {
    for (const [kind, n] of Object.entries(from)) to[kind] = (to[kind] ?? 0) + n;
  }
  sum.failed.push(...other.failed);
}
