import type { Schedule, SimulationOptions } from "./options.ts";
import type { SimulationResult } from "./result.ts";
import { simulate } from "./simulate.ts";

export interface Shrunk {
  /** With the same options and seed it fails in the same way. */
  readonly schedule: Required<Schedule>;
  readonly result: SimulationResult;
  /** Simulations that it took. */
  readonly runs: number;
}

/**
 * Looks for the fewest faults and events with which a simulation still fails the same check, by leaving out more and
 * more of them.
 *
 * @param result what `simulate(options)` came to; it has failures
 * @param most simulations to try
 */
export async function shrink(options: SimulationOptions, result: SimulationResult, most = 400): Promise<Shrunk> {
  const check = result.failures[0]?.check;
  let best = result;
  let runs = 0;
  const fails = async (schedule: Required<Schedule>): Promise<boolean> => {
    if (runs >= most) return false;
    runs++;
    const other = await simulate({ ...options, schedule, trace: false });
    if (!other.failures.some((failure) => failure.check === check)) return false;
    best = other;
    return true;
  };
  let schedule: Required<Schedule> = result.schedule;
  if (check === undefined || !(await fails(schedule))) return { schedule, result, runs };
  for (let before = Number.POSITIVE_INFINITY; sizeOf(schedule) < before;) {
    before = sizeOf(schedule);
    const faults = await fewest(schedule.faults, (some) => fails({ ...schedule, faults: some }));
    schedule = { ...schedule, faults };
    const events = await fewest(schedule.events, (some) => fails({ ...schedule, events: some }));
    schedule = { ...schedule, events };
  }
  return { schedule, result: best, runs };
}

const sizeOf = ({ faults, events }: Required<Schedule>): number => faults.length + events.length;

/** Delta debugging (Zeller, Hildebrandt 2002): leaves out ever smaller parts, as long as what is left still fails. */
async function fewest<T>(items: readonly T[], fails: (some: readonly T[]) => Promise<boolean>): Promise<readonly T[]> {
  let left = items;
  if (left.length > 0 && (await fails([]))) return [];
  for (let size = Math.ceil(left.length / 2); size >= 1;) {
    let removed = false;
    for (let from = 0; from < left.length;) {
      const some = [...left.slice(0, from), ...left.slice(from + size)];
      if (some.length < left.length && some.length > 0 && (await fails(some))) {
        left = some;
        removed = true;
      } else from += size;
    }
    if (size === 1 && !removed) break;
    size = size === 1 ? 1 : Math.ceil(size / 2);
  }
  return left;
}

/** A schedule as one argument of a command line. */
export function scheduleText({ faults, events }: Required<Schedule>): string {
  return `events=${rangesOf(events)};faults=${faults.join(",")}`;
}

/** The schedule that {@link scheduleText} wrote. */
export function parseSchedule(text: string): Required<Schedule> {
  const [, events = "", faults = ""] = /^events=([\d,-]*);faults=(.*)$/s.exec(text) ?? [];
  return {
    events: events.split(",").flatMap((range) => {
      if (range === "") return [];
      const [from, to] = range.split("-").map(Number);
      return Array.from({ length: (to ?? from!) - from! + 1 }, (_, i) => from! + i);
    }),
    faults: faults === "" ? [] : (faults.split(",") as Required<Schedule>["faults"]),
  };
}

/** `0-3,7` for 0, 1, 2, 3, 7. */
function rangesOf(numbers: readonly number[]): string {
  const ranges: [number, number][] = [];
  for (const n of numbers) {
    const last = ranges.at(-1);
    if (last !== undefined && last[1] === n - 1) last[1] = n;
    else ranges.push([n, n]);
  }
  return ranges.map(([from, to]) => (from === to ? `${from}` : `${from}-${to}`)).join(",");
}
