import type { Duration } from "millrace";
import type { Failure, SimulationResult } from "millrace/testing";
import type { DrawStream } from "../../lib/testing/simulation/draws.ts";
import type { Identified } from "./id-pipeline.ts";
import { isVersion, NO_VERSION, regionOf, STAGED, versionIn, type StagedOptions } from "./staged-pipelines.ts";

type Name = keyof typeof STAGED;

const pipelines = new Map<string, ReturnType<(typeof STAGED)[Name]>>();

/** A pipeline of several stages, as a seed draws it, each made once. */
export function stagedPipeline(draws: DrawStream) {
  const name = draws.pick(Object.keys(STAGED) as Name[]);
  const of: StagedOptions = {
    disorder: draws.pick<Duration>([{}, { seconds: 2 }, { seconds: 20 }, { minutes: 2 }]),
    allowedLateness: draws.pick<Duration>([{}, { seconds: 5 }]),
    idle: draws.pick<Duration | "never">(["never", { seconds: 20 }, { minutes: 5 }]),
    preAggregate: draws.chance(0.5),
  };
  const text = JSON.stringify([name, of]);
  let pipeline = pipelines.get(text);
  if (pipeline === undefined) pipelines.set(text, (pipeline = STAGED[name](of)));
  return pipeline;
}

interface IdRow {
  readonly ids: string;
  /** Of an event that was joined. */
  readonly version?: number;
}

/**
 * From sinks alone: in what a sink has received no event is twice for the same window; and where nothing was late, lost
 * or a dead letter, every event that is wanted is in each sink that has them all, with the version of its time.
 */
export function accountOfStages(events: readonly Identified[], result: SimulationResult): readonly Failure[] {
  const failures: Failure[] = [];
  const where = new Map<string, string>();
  const found = new Set<number>();
  const versions = new Map<number, number>();
  for (const [sink, outputs] of result.received) {
    if (sink.startsWith("$")) continue;
    for (const [output, body] of outputs) {
      const { ids, ...window } = JSON.parse(body) as IdRow;
      for (const id of ids === "" ? [] : ids.split(" ").map(Number)) {
        found.add(id);
        if (window.version !== undefined) versions.set(id, window.version);
        const place = `${sink} ${JSON.stringify(window)} ${id}`;
        if (where.has(place)) {
          failures.push({
            check: "repeated",
            message: `Event ${id} is in ${where.get(place)} and ${output} of ${sink}.`,
          });
        }
        where.set(place, output);
      }
    }
  }
  const { counts, received, put, effects } = result;
  if (effects.expired > 0 || counts.late > 0 || counts.dead > 0 || (received.get("$dead-letters")?.size ?? 0) > 0)
    return failures;
  for (const { event } of put) {
    if (found.has(event) || events[event]!.does === "skip") continue;
    failures.push({ check: "lost", message: `Event ${event} is in no row.` });
  }
  const all = put.map(({ event }) => events[event]!).filter(({ does }) => does !== "skip");
  for (const [id, version] of versions) {
    const expected = versionAt(all, events[id]!);
    if (version === expected) continue;
    failures.push({ check: "wrong", message: `Event ${id} was joined with ${version} in place of ${expected}.` });
  }
  return failures;
}

/** What an event's region was at its time. */
function versionAt(all: readonly Identified[], { key, time }: Identified): number {
  const before = all.filter((one) => isVersion(one) && one.time <= time && regionOf(one.key) === regionOf(key));
  const newest = before.toSorted((a, b) => a.time - b.time || a.id - b.id).at(-1);
  return (newest && versionIn(newest.id)) ?? NO_VERSION;
}
