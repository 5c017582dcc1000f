import { bigint, count, kinesis, lake, pipeline, sum, text, timestamp, tumbling } from "millrace";
import { testDriver } from "millrace/testing";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { Measures } from "../../lib/operators/measures.ts";
import { decodeCommit } from "../../lib/state/commit.ts";
import { Counters } from "../../lib/state/counters.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { CrashPoint, type CrashKind } from "../support/crashing.ts";
import { record, Rig } from "../support/rig.ts";

const sale = z.object({ key: z.string(), region: z.string(), time: z.number(), total: z.number() });

const sales = kinesis("sales", {
  schema: sale,
  key: { key: (one) => one.key },
  eventTime: (one) => one.time,
  disorder: { millis: 5 },
  idle: "never",
  maxFuture: "unbounded",
});

const perTen = lake("per_ten", { key: text, windowStart: timestamp, windowEnd: timestamp, sold: bigint });

/** What throws after the metric has counted: the record must leave nothing in it. */
function fail(value: z.infer<typeof sale>): z.infer<typeof sale> {
  if (value.total === 13) throw new Error("unlucky");
  return value;
}

const shop = pipeline("shop", (flow) => {
  const sold = flow
    .from(sales)
    .metric("revenue", {
      value: (one) => one.total,
      dimensions: { region: { of: (one) => one.region, values: ["EU", "US"] } },
    })
    .metric("sold")
    .map("failing", fail)
    .byKey.window("tens", tumbling({ millis: 10 }))
    .aggregate({ sold: count(), total: sum((one) => one.total) });
  sold
    .metric("closed", { value: (row) => row.sold })
    .map("slim", ({ total: _, ...row }) => row)
    .to(perTen);
});

const REGIONS = ["EU", "US", "JP", "BR"];
const SALES = Array.from({ length: 30 }, (_, i) => ({
  key: ["a", "b"][i % 2]!,
  region: REGIONS[i % 4]!,
  time: i,
  total: i === 7 ? 13 : i / 10,
}));
const GOOD = SALES.filter(({ total }) => total !== 13);

const sumOf = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0);

test("a metric adds up what values say, by the dimensions that are listed; the rest is other", () => {
  const driver = testDriver(shop, { restartEvery: 3 });
  for (const one of SALES) driver.push(sales, one);
  driver.drain();
  const revenue = (region: (one: string) => boolean) =>
    expect.closeTo(sumOf(GOOD.filter((one) => region(one.region)).map(({ total }) => total)), 9) as number;
  const found = driver.metrics().toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
  expect(found).toEqual([
    { metric: "closed", unit: "None", dimensions: {}, value: GOOD.length },
    { metric: "revenue", unit: "None", dimensions: { region: "EU" }, value: revenue((one) => one === "EU") },
    { metric: "revenue", unit: "None", dimensions: { region: "US" }, value: revenue((one) => one === "US") },
    {
      metric: "revenue",
      unit: "None",
      dimensions: { region: "other" },
      value: revenue((one) => one !== "EU" && one !== "US"),
    },
    { metric: "sold", unit: "Count", dimensions: {}, value: GOOD.length },
  ]);
  expect(driver.deadLetters()).toHaveLength(1);
});

test("what is no number makes a dead letter of the record", () => {
  const broken = pipeline("broken", (flow) => {
    flow.from(sales).metric("share", { value: (one) => one.total / 0 });
  });
  const driver = testDriver(broken);
  driver.push(sales, SALES[1]!);
  expect(driver.deadLetters().map(({ operator, reason }) => [operator, reason.code])).toEqual([
    ["share", "metric/value"],
  ]);
  expect(driver.metrics()).toEqual([]);
});

test("what is undone leaves sums of fractions bit by bit as they were", () => {
  const measures = new Measures();
  const add = (value: number) => measures.add({ metric: "m", unit: "None", dimensions: {}, value });
  measures.begin();
  add(0.1);
  measures.begin();
  add(1e20);
  add(0.2);
  measures.undo();
  expect(measures.take().map(({ value }) => value)).toEqual([0.1]);
  expect(measures.take()).toEqual([]);
});

/** What each commit has counted of an operator: exact, since it is committed. */
async function committedBy(rig: Rig, operator: string): Promise<ReadonlyMap<number, number>> {
  const name = taskName(rig.idOf());
  const { commits } = await rig.changelog.newest(name, { from: 1, limit: 1_000 });
  const counts = new Map<number, number>();
  let before = 0;
  for (const stored of commits.toReversed()) {
    const counters = new Counters();
    counters.restore(decodeCommit(stored, stored.body as Uint8Array, name).header.counters);
    const now = counters.byOperator().get(operator)?.in ?? 0;
    if (now > before) counts.set(stored.epoch, now - before);
    before = now;
  }
  return counts;
}

/** What was told of a metric, by commit. Fails when one commit was told twice. */
function toldOf(rig: Rig, metric: string): ReadonlyMap<number, number> {
  const told = new Map<number, number>();
  for (const { epoch, measures } of rig.measured) {
    const found = measures.filter((one) => one.metric === metric);
    if (found.length === 0) continue;
    expect(found).toHaveLength(1);
    expect(told.has(epoch)).toBe(false);
    told.set(epoch, found[0]!.value);
  }
  return told;
}

const RECORDS = SALES.map((one, i) => record(i + 1, one));
const TRIGGERS = [
  ...[RECORDS.slice(0, 8), RECORDS.slice(8, 20), RECORDS.slice(20)].map((records) => ({
    kind: "records" as const,
    records,
  })),
  { kind: "drain" as const },
];

describe("X1: a commit's metrics are told once, by the process that won it, exactly as it was committed", () => {
  test("without a crash none is missing", async () => {
    const rig = new Rig(shop);
    const task = rig.task();
    for (const trigger of TRIGGERS) await task.turn(trigger);
    expect(toldOf(rig, "sold")).toEqual(await committedBy(rig, "sold"));
    expect(sumOf([...toldOf(rig, "sold").values()])).toBe(GOOD.length);
  });

  test.each(["before", "after", "zombie"] as const satisfies readonly CrashKind[])(
    "wherever a process dies (%s an await), at most the commit that it died with is missing",
    async (kind) => {
      const missing = new Set<number>();
      for (let at = 0; ; at++) {
        const rig = new Rig(shop);
        const crash = new CrashPoint(at, kind);
        let task = rig.task(crash.options);
        let isNew = false;
        for (const trigger of TRIGGERS) {
          await task.turn(trigger).catch((thrown: unknown) => {
            if (!crash.crashed) throw thrown;
          });
          if (!crash.crashed || isNew) continue;
          isNew = true;
          await crash.land();
          task = rig.task();
          await task.turn(trigger);
        }
        const [told, committed] = [toldOf(rig, "sold"), await committedBy(rig, "sold")];
        expect(sumOf([...committed.values()])).toBe(GOOD.length);
        for (const [epoch, value] of told) expect([epoch, value]).toEqual([epoch, committed.get(epoch)]);
        expect(committed.size - told.size).toBeLessThanOrEqual(1);
        missing.add(committed.size - told.size);
        if (!crash.crashed) break;
      }
      // Only an acknowledgement that nobody heard loses one.
      expect(missing.has(1)).toBe(kind !== "before");
    },
  );

  test("of two processes that fold one batch only the winner tells", async () => {
    const rig = new Rig(shop);
    const [a, b] = [rig.task(), rig.task()];
    for (const trigger of TRIGGERS.slice(0, 3)) await Promise.all([a.turn(trigger), b.turn(trigger)]);
    expect(rig.reports.some(({ conflicts }) => conflicts > 0)).toBe(true);
    expect(toldOf(rig, "sold")).toEqual(await committedBy(rig, "sold"));
  });

  test("a sink that is down holds back no metric", async () => {
    const rig = new Rig(shop);
    const broken = rig.task({ wrapSink: () => ({ deliver: () => Promise.reject(new Error("down")) }) });
    await expect(broken.turn({ kind: "records", records: RECORDS })).rejects.toThrow("down");
    expect(sumOf([...toldOf(rig, "sold").values()])).toBe(GOOD.length);
  });
});
