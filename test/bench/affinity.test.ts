import { describe, expect, test } from "vitest";
import { COLD, gapsWith, sharesOf, simulateAffinity, type AffinitySettings } from "../../bench/affinity/affinity.ts";
import { memoryFor, memoryOf, tasksThatFit } from "../../bench/affinity/assumptions.ts";
import { itemBytes, readUnits, writeUnits } from "../../bench/affinity/billing.ts";
import { costOf, optimismBreaksEven, savedByOptimism } from "../../bench/affinity/costs.ts";
import { runTask } from "../../bench/affinity/task-model.ts";

const settings: AffinitySettings = {
  shards: 100,
  duty: 0.5,
  assignment: "random",
  cachedTasks: 64,
  warmUp: 50,
  measured: 40,
  sampled: 20,
  seed: 3,
};

describe("containers", () => {
  test("a run can be repeated, and another seed is another run", () => {
    expect(simulateAffinity(settings)).toEqual(simulateAffinity(settings));
    expect(simulateAffinity({ ...settings, seed: 4 }).gaps).not.toEqual(simulateAffinity(settings).gaps);
  });

  test("one shard has one container, which always knows the newest state", () => {
    for (const assignment of ["random", "most-recently-used"] as const) {
      const one = simulateAffinity({ ...settings, shards: 1, sampled: 1, assignment });
      expect(one.created).toBe(1);
      expect(sharesOf(one.gaps)).toEqual({ stale: 0, cold: 0, behind: 0 });
    }
  });

  test("no more containers than shards, and as many as have batches in flight", () => {
    const { created } = simulateAffinity(settings);
    expect(created).toBeGreaterThan(40);
    expect(created).toBeLessThanOrEqual(100);
  });

  test("with every container gone after its batch, all is cold", () => {
    expect(sharesOf(simulateAffinity({ ...settings, churn: 1 }).gaps).cold).toBe(1);
  });

  test("a smaller cache, read off a larger one's run, is what its own run gives", () => {
    const large = simulateAffinity(settings);
    for (const cachedTasks of [1, 8, 32])
      expect(gapsWith(large, cachedTasks)).toEqual(simulateAffinity({ ...settings, cachedTasks }).gaps);
  });

  test("where batches seldom meet, the container used last more often has the newest state than any", () => {
    const idle = { ...settings, shards: 10, sampled: 10, measured: 400, duty: 0.01 };
    const warm = (["most-recently-used", "random"] as const).map((assignment) => {
      const { stale, cold } = sharesOf(simulateAffinity({ ...idle, assignment }).gaps);
      return 1 - stale - cold;
    });
    expect(warm[0]).toBeGreaterThan(1.3 * warm[1]!);
  });
});

describe("billing", () => {
  test("an item's size is that of its names and values", () => {
    // "Amazon DynamoDB Developer Guide": a number takes a byte for two digits and one more, a list 3 and one an element.
    const item = { task: { S: "abc" }, epoch: { N: "12345" }, d: { B: new Uint8Array(100) }, t: { L: [{ N: "100" }] } };
    expect(itemBytes(item)).toBe(4 + 3 + (5 + 4) + (1 + 100) + (1 + 3 + 1 + 2));
  });

  test("units are rounded up: of a query once for all items, of a put for its own", () => {
    expect([0, 4_096, 4_097].map(readUnits)).toEqual([1, 1, 2]);
    expect([1, 1_024, 1_025].map(writeUnits)).toEqual([1, 1, 2]);
  });
});

describe("costs", () => {
  const costSettings = { stateBytes: 1 << 20, memory: 1_024, records: 1_000 };

  test("affinity costs nothing but checkpoints where every container is warm", async () => {
    const counts = await runTask({ stateBytes: 1 << 20, commitBytes: 3_072 }, new Int32Array(2_000));
    const cost = costOf(counts, costSettings);
    expect(counts).toMatchObject({
      readUnits: counts.headUnits + counts.checkpointPuts,
      checkpointGets: 0,
      commits: 0,
    });
    expect(cost.affinity).toBeLessThan(0.02 * cost.total);
    expect(cost.total).toBeCloseTo(cost.dynamodbReads + cost.dynamodbWrites + cost.s3 + cost.lambda, 12);
  });

  test("a larger state takes longer to load and costs more", async () => {
    const costs = [];
    for (const stateBytes of [1 << 10, 1 << 17, 1 << 20, 1 << 23]) {
      const counts = await runTask({ stateBytes, commitBytes: 3_072 }, new Int32Array(400).fill(COLD));
      costs.push(costOf(counts, { ...costSettings, stateBytes }).total);
    }
    expect(costs).toEqual(costs.toSorted((a, b) => a - b));
  });

  test("an optimistic put breaks even where it saves nothing", () => {
    const units = { commitUnits: 5, headUnits: 1 };
    const stale = optimismBreaksEven(units, costSettings);
    expect(savedByOptimism(units, { stale, cold: 0 }, costSettings)).toBeCloseTo(0, 12);
    expect(savedByOptimism(units, { stale: stale * 1.1, cold: 0 }, costSettings)).toBeLessThan(0);
  });

  test("as many states as fit do fit", () => {
    for (const stateBytes of [10_240, 1 << 20, 10 << 20, 50 << 20]) {
      const memory = memoryFor(stateBytes);
      const tasks = tasksThatFit(memory, stateBytes);
      expect(memoryOf(tasks, stateBytes)).toBeLessThanOrEqual(memory);
    }
  });
});
