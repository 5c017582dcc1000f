import { bigint, dynamoTable, kinesis, lake, pipeline, reducing, text } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { Gate } from "../../lib/testing/gated.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { MemoryTable } from "../../lib/testing/memory-table.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";

const orders = kinesis("orders", {
  schema: z.object({ shop: z.string(), article: z.string(), n: z.number() }),
  eventTime: (order) => order.n,
  disorder: {},
});
const articles = dynamoTable("articles", { key: "id", schema: z.object({ id: z.string(), cents: z.bigint() }) });

/** What each shop has sold, order by order, at prices that are looked up behind the shuffle. */
const sales = pipeline("sales", (flow) => {
  flow
    .from(orders)
    .keyBy("by-shop", { shop: (order) => order.shop })
    .enrich("price", {
      key: (order) => order.article,
      table: articles,
      with: (order, found) => ({ ...order, cents: found?.cents ?? 0n }),
      cache: { entries: 3, ttl: { minutes: 1 } },
    })
    .byKey.process("total", {
      state: { cents: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }) },
      *onRecord({ shop, n, cents }, { state }) {
        state.cents.add(cents);
        yield { shop, n: BigInt(n), cents: state.cents.get() };
      },
    })
    .to(lake("totals", { shop: text, n: bigint, cents: bigint }));
});

const PRICES = { pen: 120n, ink: 990n, pad: 350n, cap: 1_500n };
const never = (_millis: number, signal: AbortSignal) =>
  new Promise<void>((resolve) => signal.addEventListener("abort", () => resolve()));

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "X3, X4: exact behind a shuffle, while lookups fail and processes of both stages die, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("orders");
    const table = new MemoryTable(
      Object.entries(PRICES).map(([id, cents]) => [id, { id, cents }] as const),
      2,
    );
    let failed = 0;
    const flaky = {
      maxKeys: table.maxKeys,
      lookup: async (keys: Parameters<typeof table.lookup>[0]) => {
        if (!draws.chance(0.4)) return table.lookup(keys);
        failed++;
        throw new Error("ProvisionedThroughputExceededException");
      },
    };
    const dying: () => Gate = () => {
      let isDead = false;
      return async (_request, carryOut) => {
        if (!isDead && !draws.chance(0.05)) return carryOut();
        const isCarriedOut = !isDead && draws.chance(0.5);
        isDead = true;
        if (isCarriedOut) await carryOut();
        throw new Error("dies here");
      };
    };
    const run = new MemoryPipeline(sales, {
      shards: 2,
      internalShards: 3,
      batchSize: 7,
      gateOf: dying,
      lookups: { tables: new Map([["articles", flaky]]), wait: never },
    });
    const sold = new Map<string, bigint>();
    for (let n = 1; n <= 150; n++) {
      const article = draws.pick([...Object.keys(PRICES), "unknown"]);
      const shop = draws.pick(["a", "b", "c", "d", "e"]);
      run.put("orders", { shop, article, n }, `random ${n}`);
      sold.set(shop, (sold.get(shop) ?? 0n) + (PRICES[article as keyof typeof PRICES] ?? 0n));
    }
    await run.drain();
    const rows = run.rows<{ shop: string; n: number; cents: number }>("totals");
    expect(rows.map(({ n }) => n).toSorted((a, b) => a - b)).toEqual(Array.from({ length: 150 }, (_, i) => i + 1));
    for (const [shop, cents] of sold) {
      expect(Math.max(...rows.filter((row) => row.shop === shop).map((row) => row.cents))).toBe(Number(cents));
    }
    expect(failed).toBeGreaterThan(0);
    expect(run.rows("$dead-letters")).toEqual([]);
  },
);
