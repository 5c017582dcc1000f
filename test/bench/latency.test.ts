import { expect, test } from "vitest";
import { caughtUp } from "../../bench/latency/catch-up.ts";
import { minutePipeline, type Waits } from "../../bench/latency/readings.ts";
import { ShardSimulation, type BatchRun, type ShardRunOptions } from "../../bench/latency/shard-run.ts";

const PROMPT: Waits = { disorder: { seconds: 0 }, allowedLateness: { seconds: 0 }, idle: { minutes: 5 } };

/** Without CPU, so that a run is the same at all times. */
const simulate = (options: Partial<ShardRunOptions> = {}, waits: Waits = PROMPT) =>
  new ShardSimulation({
    ...{ pipeline: minutePipeline(waits), rate: 100, window: 5, batchSize: 1_000, backlog: 0, seconds: 180 },
    ...{ slowness: 1, cpu: () => 0 },
    ...options,
  }).run();

const all = (batches: readonly BatchRun[]) => batches.reduce((sum, { records }) => sum + records, 0);

test("all that is put is read once, and a run is the same twice", async () => {
  const run = await simulate();
  expect(all(run.batches)).toBe(18_000);
  expect(await simulate()).toEqual(run);
});

test.each([
  [0, 100],
  [1, 100],
  [5, 100],
  [30, 1],
])("with batches of %i s a record waits for that and a poll at the most", async (window, rate) => {
  const { batches, ticks } = await simulate({ window, rate, seconds: 900 });
  expect(ticks).toBeGreaterThan(1); // which change nothing of that
  const waits = batches.flatMap(({ waited }) => waited);
  expect(Math.max(...waits)).toBeLessThanOrEqual((window + 1) * 1_000 + 30);
  expect(Math.max(...waits)).toBeGreaterThan(window * 1_000 + 500);
  expect(batches[1]!.records / (rate * (window + 1))).toBeCloseTo(1, 0);
});

test("a turn asks for the head and puts a commit; rows are delivered and marked", async () => {
  const { batches } = await simulate();
  expect(new Set(batches.map(({ toCommit }) => toCommit))).toEqual(new Set([10]));
  expect(new Set(batches.map(({ toDelivery }) => toDelivery).filter((one) => one !== undefined))).toEqual(
    new Set([15]),
  );
});

test("a window's row waits for the disorder, the lateness, and a batch", async () => {
  const waits: Waits = { disorder: { seconds: 30 }, allowedLateness: { seconds: 60 }, idle: { minutes: 5 } };
  const { rows, batches } = await simulate({ seconds: 360 }, waits);
  const last = batches.at(-1)!.endedAt;
  const moving = rows.filter(({ deliveredAt }) => deliveredAt <= last);
  const after = moving.map(({ windowEnd, deliveredAt }) => (deliveredAt - windowEnd) / 1_000);
  expect(moving.length).toBeGreaterThanOrEqual(4 * 50);
  expect(Math.min(...after)).toBeGreaterThanOrEqual(90);
  expect(Math.max(...after)).toBeLessThanOrEqual(90 + 6 + 0.03);
});

test("once events cease, every window's row comes by ticks, when the source counts as idle", async () => {
  const { rows, ticks } = await simulate({ seconds: 150 }); // 50 airports, minutes 0, 1 and 2
  expect(rows).toHaveLength(150);
  expect(ticks).toBeGreaterThan(0);
  const last = Math.max(...rows.map(({ windowEnd, deliveredAt }) => (deliveredAt - windowEnd) / 1_000));
  expect(last).toBeGreaterThan(0);
  expect(last).toBeLessThanOrEqual(300);
});

test("a backlog is read in full batches, and at the tip they are as large as a window makes them", async () => {
  const { batches } = await simulate({ backlog: 600, seconds: 120 });
  expect(all(batches)).toBe(72_000);
  const { batches: until, events, eventsPerBatchAfter, seconds } = caughtUp({ batches }, 100);
  expect(batches.slice(0, until).every(({ records }) => records === 1_000)).toBe(true);
  expect(events).toBeGreaterThanOrEqual(60_000 - 600);
  expect(seconds).toBeCloseTo((until * (50 + 10)) / 1_000, 0); // 20,000 records a second are read, and a turn waits twice
  expect(eventsPerBatchAfter).toBeGreaterThan(500);
  expect(eventsPerBatchAfter).toBeLessThan(700);
});

test("who never catches up is told of", () => {
  const batch = { unread: 10_000 } as BatchRun;
  expect(() => caughtUp({ batches: [batch, batch] }, 100)).toThrow("more than a shard's function reads");
});
