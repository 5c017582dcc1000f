import { expect, test } from "vitest";
import type { Duration } from "millrace";
import { simulate, type SimulationOptions } from "millrace/testing";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { surroundings } from "./configurations.ts";
import { windowsPipeline, type Timed } from "./windows-pipeline.ts";

const START = Date.UTC(2026, 0, 1);
const RUNS = 60;

function configuration(seed: string): SimulationOptions {
  const draws = new Draws(seed).stream("configuration");
  const around = surroundings(seed);
  const { seconds = 0, millis = 0 } = around.pace ?? {};
  const disorder = draws.pick([0, 2_000, 15_000, 60_000]);
  const keys = draws.pick([1, 5, 15]);
  const poison = draws.pick([0, 0, 0.05]);
  const events = Array.from({ length: draws.between(10, 80) }, (_, id): Timed => ({
    id,
    key: `key ${draws.below(keys)}`,
    time: START + Math.round(id * (seconds * 1_000 + millis)) - draws.below(disorder + 1),
    gapSeconds: 1 + draws.below(20),
    isPoison: draws.chance(poison),
  }));
  return {
    ...around,
    pipeline: windowsPipeline({
      disorder: draws.pick<Duration>([{}, { seconds: 2 }, { seconds: 20 }]),
      allowedLateness: draws.pick<Duration>([{}, { seconds: 5 }]),
      idle: draws.pick<Duration | "never">(["never", { seconds: 20 }, { minutes: 5 }]),
    }),
    events,
    seed,
    start: START,
  };
}

test("windows of every kind hold each event exactly once, whatever goes wrong, over splits and merges", async () => {
  const failed: unknown[] = [];
  let late = 0;
  let reshardings = 0;
  for (let run = 0; run < RUNS; run++) {
    const { failures, received, faults } = await simulate(configuration(`windows/${run}`));
    if (failures.length > 0) failed.push({ run, failures: failures.slice(0, 3) });
    reshardings += faults.split + faults.merge + faults["reshard-storm"];
    late += received.get("late_rows")?.size ?? 0;
  }
  expect(failed).toEqual([]);
  expect(reshardings).toBeGreaterThan(0);
  expect(late).toBeGreaterThan(0);
});
