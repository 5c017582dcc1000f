import { describe, expect, test } from "vitest";
import { COLD, simulateAffinity } from "../../bench/affinity/affinity.ts";
import { CACHED_TASKS } from "../../bench/affinity/rules.ts";
import { runTask, type ChangedRules } from "../../bench/affinity/task-model.ts";
import { runReal, type RealRun, type RealSettings } from "./real-tasks.ts";

/** The model has commits of one size; those of the real task differ by some percent. */
const TOLERANCE = 0.1;

/** One shard's batches out of a hundred shards': some containers are stale, others know nothing. */
function gapsOf(batches: number): number[] {
  const { gaps } = simulateAffinity({
    shards: 100,
    duty: 0.5,
    assignment: "random",
    cachedTasks: CACHED_TASKS,
    warmUp: 200,
    measured: batches,
    sampled: 1,
    seed: 5,
  });
  // What containers knew before the first batch is not there.
  return [...gaps].map((gap, batch) => (gap >= batch ? COLD : gap));
}

/** The model's totals, by the sizes that the real task had. */
async function runModel(real: RealRun, gaps: readonly number[], changed: ChangedRules = {}) {
  const { stateBytes, commitBytes } = real;
  const means = await runTask({ stateBytes, commitBytes, changed, logBytes: 0, warmUp: 0 }, Int32Array.from(gaps));
  const { checkpointPuts, checkpointGets, spillGets, spillPuts } = means;
  return {
    // A checkpoint's pointer is raised after one more read, which stores in memory do without.
    readUnits: (means.readUnits - checkpointPuts) * gaps.length,
    checkpointGets: checkpointGets * gaps.length,
    spillGets: spillGets * gaps.length,
    checkpoints: checkpointPuts * gaps.length,
    spills: spillPuts * gaps.length,
  };
}

const configurations: readonly (RealSettings & { readonly name: string; readonly batches: number })[] = [
  { name: "20 KB of state, commits of 2 KB", keys: 1_000, touched: 80, batches: 200 },
  { name: "200 KB of state, commits of 4 KB", keys: 10_000, touched: 150, batches: 80 },
  { name: "200 KB of state, spilled commits of 20 KB", keys: 10_000, touched: 1_000, batches: 50 },
  { name: "1 MB of state, commits of 3 KB", keys: 58_000, touched: 100, batches: 40 },
];

describe("the model does what real tasks do, within a tenth", () => {
  for (const { name, batches, ...settings } of configurations) {
    test(name, async () => {
      const gaps = gapsOf(batches);
      const real = await runReal(settings, gaps);
      const model = await runModel(real, gaps);
      for (const field of ["readUnits", "checkpointGets", "spillGets", "spills"] as const) {
        expect(relativeError(model[field], real[field]), `${field}: ${model[field]} and ${real[field]}`).toBeLessThan(
          TOLERANCE,
        );
      }
      expect(Math.abs(model.checkpoints - real.checkpoints), "checkpoints").toBeLessThanOrEqual(
        Math.max(1, TOLERANCE * real.checkpoints),
      );
    });
  }

  test("and would be seen to differ if the checkpoint rule did", async () => {
    const gaps = gapsOf(80);
    const real = await runReal({ keys: 10_000, touched: 150 }, gaps);
    const model = await runModel(real, gaps, { stateShare: 4 });
    expect(relativeError(model.readUnits, real.readUnits)).toBeGreaterThan(TOLERANCE);
    expect(relativeError(model.checkpoints, real.checkpoints)).toBeGreaterThan(TOLERANCE);
  });
});

test("a state that is no larger than its delta is written whole, and never loaded from a checkpoint", async () => {
  const gaps = gapsOf(100);
  const real = await runReal({ keys: 50, touched: 1_200 }, gaps);
  const model = await runModel({ ...real, stateBytes: real.commitBytes }, gaps);
  expect(real.checkpointGets).toBe(0);
  expect(model.checkpointGets).toBe(0);
  expect(relativeError(model.readUnits, real.readUnits)).toBeLessThan(TOLERANCE);
});

const relativeError = (model: number, real: number): number =>
  model === real ? 0 : Math.abs(model - real) / Math.max(real, 1);
