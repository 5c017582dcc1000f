import { explain } from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { planStages } from "../../lib/plan/stage.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { SMALL_LIMITS } from "../support/rig.ts";
import { dying, reshard } from "../support/schedules.ts";
import { naive, shop, textOf, type Named, type Naming, type Order } from "./shop.ts";

type Event = { readonly order: Order } | { readonly naming: Naming };

const CUSTOMERS = ["ann", "bob", "cleo"];

/** Events up to a hundred milliseconds behind the ones before, several of them at one time. */
const events: fc.Arbitrary<readonly Event[]> = fc
  .array(
    fc.record({
      step: fc.integer({ min: 0, max: 40 }),
      behind: fc.integer({ min: 0, max: 99 }),
      customer: fc.constantFrom(...CUSTOMERS),
      what: fc.constantFrom("order", "order", "name", "name", "gone"),
    }),
    { maxLength: 60 },
  )
  .map((drawn) => {
    let now = 10_000;
    return drawn.map(({ step, behind, customer, what }, i): Event => {
      now += step;
      const at = Math.floor((now - behind) / 10) * 10;
      if (what === "order") return { order: { id: `order ${i}`, customer, at } };
      // Of one time the order of the database decides, and not that of arrival.
      const seq = (i * 7_919) % 10_007;
      return { naming: { customer, seq, name: what === "gone" ? null : `${customer} ${i}`, at } };
    });
  });

const ordersIn = (all: readonly Event[]) => all.flatMap((one) => ("order" in one ? [one.order] : []));
const namingsIn = (all: readonly Event[]) => all.flatMap((one) => ("naming" in one ? [one.naming] : []));
const expected = (all: readonly Event[]) => naive(ordersIn(all), namingsIn(all)).map(textOf).sort();
const rowsOf = (run: MemoryPipeline) => run.rows<Named>("named").map(textOf).sort();

const put = (run: MemoryPipeline, one: Event, key: string) =>
  "order" in one ? run.put("orders", one.order, key) : run.put("namings", one.naming, key);

test("a record has the row as it was at its time, however the two streams come", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.array(fc.integer({ min: 0, max: 7 }), { minLength: 1 }), async (all, draws) => {
      const run = new MemoryPipeline(shop(), { shards: 2, batchSize: 5, start: 20_000 });
      for (const [i, one] of all.entries()) {
        const drawn = draws[i % draws.length]!;
        put(run, one, `random ${drawn}`);
        // One stream may be far ahead of the other: each stage is given its turn alone.
        if (drawn === 0) await run.run();
        if (drawn === 1) await run.runStage("orders");
        if (drawn === 2) await run.runStage("namings");
        if (drawn === 3) await run.runStage("customers");
      }
      await run.drain();
      expect(rowsOf(run)).toEqual(expected(all));
      expect(run.delivered.get("$dead-letters") ?? []).toEqual([]);
      expect(run.delivered.get("late_orders") ?? []).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

/** Many events, of which none is late in any shard. */
function someEvents(draws: ReturnType<Draws["stream"]>, length: number): readonly Event[] {
  return Array.from({ length }, (_, i): Event => {
    const at = 10_000 + i * 10 - draws.between(0, 99);
    const customer = draws.pick(CUSTOMERS);
    if (draws.chance(0.6)) return { order: { id: `order ${i}`, customer, at } };
    const name = draws.chance(0.2) ? null : `${customer} ${i}`;
    return { naming: { customer, seq: draws.between(0, 1e6), name, at } };
  });
}

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "X1-X5, X8: exactly once, while shards are split and merged and processes die, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("shop");
    const all = someEvents(draws, 300);
    const run = new MemoryPipeline(shop(), {
      ...{ shards: 2, internalShards: 2, batchSize: 20, start: 20_000 },
      gateOf: () => dying(draws, 0.04),
      // Half of them have checkpoints of sorted runs all the time.
      ...(seed % 2 === 0 && { limits: SMALL_LIMITS }),
    });
    for (const [i, one] of all.entries()) {
      put(run, one, `random ${draws.between(0, 1e9)}`);
      if (i % 40 !== 39) continue;
      if (draws.chance(0.7)) await run.run();
      reshard(run.stage(draws.pick(["orders", "namings", "customers"])).stream, draws);
      if (draws.chance(0.5)) await run.run();
    }
    await run.drain();
    expect(rowsOf(run)).toEqual(expected(all));
    expect(run.delivered.get("$dead-letters") ?? []).toEqual([]);
    expect(run.delivered.get("late_orders") ?? []).toEqual([]);
  },
);

describe("a plan", () => {
  test("has the table where its stream is keyed, and the join where it is read", () => {
    expect(planStages(shop()).map(({ name }) => name)).toEqual(["namings", "orders", "customers"]);
    const lines = explain(shop()).split("\n");
    expect(lines).toContain(
      "stage customers: reads the internal stream customers, which namings and orders write to, through table customers and keyBy orders-by-customer",
    );
    expect(lines).toContain("  table customers: a shuffle to stage customers, after namings");
    expect(lines).toContain("    every record is sent, as it is at the keyBy: each change is a version of its row");
    expect(lines).toContain(
      "  join with-customer: left, with rows of customers as of each record's time, state per customer, after orders-by-customer and customers",
    );
  });
});
