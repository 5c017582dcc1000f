import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const views = kinesis("views", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (view) => view.at,
  disorder: { minutes: 1 },
});

const perPage = (preAggregate: boolean) =>
  pipeline("pages", (flow) => {
    flow
      .from(views)
      .keyBy("by-page", { page: (view) => view.page }, { preAggregate })
      .window("minutes", tumbling({ minutes: 1 }))
      .aggregate({ views: count() })
      .to(lake("counts", { page: text, windowStart: timestamp, windowEnd: timestamp, views: bigint }));
  });

/** Nine of ten views are of one page. */
async function run(preAggregate: boolean) {
  const reports: TurnReport[] = [];
  const memory = new MemoryPipeline(perPage(preAggregate), {
    shards: 4,
    internalShards: 4,
    batchSize: 250,
    onTurn: (report) => reports.push(report),
  });
  for (let i = 0; i < 8_000; i++) {
    memory.put("views", { page: i % 10 === 0 ? `page ${i % 70}` : "home", at: 0 }, `key ${i % 97}`);
  }
  await memory.drain();
  const readers = reports.filter(({ task, trigger }) => task.includes(":by-page:") && trigger === "records");
  const records = memory.stage("by-page").stream.shards.map((shard) => shard.records.length);
  const rows = memory.rows<{ page: string; views: number }>("counts");
  return { readers, records, views: rows.find(({ page }) => page === "home")!.views };
}

test("a hot key is reported by name, with its share", async () => {
  for (const preAggregate of [true, false]) {
    const { readers } = await run(preAggregate);
    const hot = readers.flatMap(({ hotKey }) => (hotKey !== undefined && hotKey.share > 0.5 ? [hotKey.key] : []));
    expect(hot.length).toBeGreaterThan(0);
    for (const key of hot) expect(key).toEqual({ page: "home" });
  }
});

test("aggregation in two levels spreads a hot key: its producers do most of the work, its reader a batch's share", async () => {
  const [two, one] = [await run(true), await run(false)];
  expect(two.views).toBe(7_200);
  expect(one.views).toBe(7_200);
  const folds = (readers: readonly TurnReport[]) => readers.reduce((sum, { folded }) => sum + folded, 0);
  // 8,000 records in batches of 250 at most, from four shards: 32 batches or a few more, with eight pages each.
  expect(folds(one.readers)).toBeGreaterThanOrEqual(8_000);
  expect(folds(two.readers)).toBeLessThan(8_000 / 20);
});

test("what is broadcast is no key's, however often one of it changes", async () => {
  const hot: unknown[] = [];
  const limits = kinesis("limits", {
    schema: z.object({ id: z.string(), at: z.number() }),
    eventTime: (limit) => limit.at,
    disorder: { minutes: 1 },
  });
  const checked = pipeline("checked", (flow) => {
    const limitOf = flow.from(limits).broadcast("limit-of", { key: (limit) => limit.id });
    flow
      .from(views)
      .keyBy("by-page", { page: (view) => view.page })
      .process("check", { broadcast: { limitOf }, onRecord: ({ page }) => [{ page }] })
      .to(lake("seen", { page: text }));
  });
  const memory = new MemoryPipeline(checked, {
    onTurn: ({ task, hotKey }) => task.includes(":by-page:") && hot.push(hotKey),
  });
  for (let i = 0; i < 300; i++) memory.put("limits", { id: i % 10 === 0 ? "other" : "one", at: i }, "key");
  memory.put("views", { page: "a", at: 0 }, "key");
  memory.put("views", { page: "b", at: 0 }, "key");
  await memory.run();
  expect(hot.length).toBeGreaterThan(0);
  expect(hot.filter((one) => one !== undefined)).toEqual([]);
});
