import { explain, kinesis, lake, pipeline, text } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { InternalStream } from "../../lib/runtime/shuffle/internal-stream.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { MemoryPipeline, type MemoryPipelineOptions } from "../../lib/testing/memory-pipeline.ts";
import type { MemoryStream } from "../../lib/testing/memory-stream.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { dying, reshard } from "../support/schedules.ts";

const HOUR = 3_600_000;

const rule = z.object({ id: z.string(), most: z.number(), isOff: z.boolean(), at: z.number() });
const payment = z.object({ card: z.string(), amount: z.number(), at: z.number() });
type Rule = z.infer<typeof rule>;

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { hours: 1 } } as const;
const rules = kinesis("rules", { schema: rule, ...timed });
const payments = kinesis("payments", { schema: payment, ...timed });

/** What a task that gets a payment has of the rules. */
const seen = lake("seen", { card: text, rules: text });

const checking = pipeline("checking", (flow) => {
  const ruleOf = flow
    .from(rules)
    .broadcast("rule-of", { key: ({ id }) => id, removes: ({ isOff }) => isOff, keepRemoved: { hours: 2 } });
  flow
    .from(payments)
    .keyBy("by-card", { card: (one) => one.card })
    .process("check", {
      broadcast: { ruleOf },
      *onRecord({ card }, { broadcast }) {
        const all = broadcast.ruleOf.entries().map(([id, { most }]) => `${id}=${most}`);
        for (const [id, value] of broadcast.ruleOf.entries()) expect(broadcast.ruleOf.get(id)).toBe(value);
        yield { card, rules: all.sort().join(" ") };
      },
    })
    .to(seen);
});

const CARDS = Array.from({ length: 60 }, (_, i) => `card ${i}`);

type Drawing = ReturnType<Draws["stream"]>;

/** Few times, and often few ids: changes of one rule meet at one time, and in every order. */
const someRules = (draws: Drawing, length: number, ids = 10): Rule[] =>
  Array.from({ length }, (_, i) => ({
    id: `r${draws.between(0, ids - 1)}`,
    most: draws.between(0, 1_000),
    isOff: draws.chance(0.25),
    at: 100 * HOUR + Math.floor((i * 5 * HOUR) / length / 60_000) * 60_000 - draws.between(0, 30) * 60_000,
  }));

/** Per rule what it may be: of several changes at one time, any; a removal only where it is alone. */
function possible(all: readonly Rule[]): Map<string, Set<string>> {
  const newest = new Map<string, Rule[]>();
  for (const one of all) {
    const before = newest.get(one.id) ?? [];
    const latest = before[0]?.at ?? Number.NEGATIVE_INFINITY;
    if (one.at >= latest) newest.set(one.id, one.at > latest ? [one] : [...before, one]);
  }
  return new Map(
    [...newest].map(([id, at]) => {
      const present = at.filter(({ isOff }) => !isOff).map(({ most }) => `${id}=${most}`);
      return [id, new Set(present.length === 0 ? [""] : present)];
    }),
  );
}

function expectPossible(found: string, all: readonly Rule[]): void {
  const present = new Map(found.split(" ").map((one) => [one.split("=")[0]!, one]));
  for (const [id, options] of possible(all)) expect(options).toContain(present.get(id) ?? "");
}

/** Puts fail in the middle, and shards are split and merged between two of them. */
const faulty = (stream: MemoryStream, draws: Drawing, budget: { left: number }): InternalStream => ({
  open: () => stream.open(),
  put: async (records) => {
    const takers: string[] = [];
    for (const record of records) {
      if (draws.chance(0.02)) throw new Error("fails in the middle");
      if (budget.left > 0 && draws.chance(0.05)) {
        budget.left--;
        reshard(stream, draws);
      }
      takers.push(stream.take(record).id);
    }
    return takers;
  },
});

const OPTIONS: MemoryPipelineOptions = { shards: 2, internalShards: 3, batchSize: 10, start: 300 * HOUR };

async function run(all: readonly Rule[], draws: Drawing, options: MemoryPipelineOptions, reshards: boolean) {
  const memory = new MemoryPipeline(checking, { ...OPTIONS, ...options });
  for (const [i, one] of all.entries()) {
    memory.put("rules", one, `random ${draws.between(0, 1e9)}`);
    if (i % 20 !== 19) continue;
    memory.put("payments", { card: draws.pick(CARDS), amount: 1, at: one.at }, `random ${draws.between(0, 1e9)}`);
    if (draws.chance(0.7)) await memory.run();
    if (reshards) reshard(memory.stage(draws.pick(["rules", "payments", "by-card"])).stream, draws);
    if (draws.chance(0.5)) await memory.run();
  }
  await memory.run();
  for (const card of CARDS) memory.put("payments", { card, amount: 2, at: 105 * HOUR }, card);
  const before = memory.rows("seen").length;
  await memory.run();
  return { memory, rows: memory.rows<{ card: string; rules: string }>("seen").slice(before) };
}

test.each(Array.from({ length: 12 }, (_, seed) => seed))(
  "X1-X5, X8: every task has the same, the newest of each key, while shards are split and merged in the midst of a delivery and processes die, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("rules");
    const all = someRules(draws, 200, draws.pick([10, 100]));
    const budget = { left: 15 };
    const { memory, rows } = await run(
      all,
      draws,
      { gateOf: () => dying(draws, 0.03), throughOf: (_reader, stream) => faulty(stream, draws, budget) },
      true,
    );
    expect(rows.map(({ card }) => card).sort()).toEqual([...CARDS].sort());
    expect(new Set(rows.map((row) => row.rules)).size).toBe(1);
    expectPossible(rows[0]!.rules, all);
    expect(memory.delivered.get("$dead-letters") ?? []).toEqual([]);
  },
);

test("what is there does not depend on the order in which it came, ties included", async () => {
  const results = new Set<string>();
  const all = someRules(new Draws(7).stream("rules"), 120);
  for (let seed = 0; seed < 4; seed++) {
    const draws = new Draws(seed).stream("order");
    const ranked = all.map((one) => [draws.between(0, 1e9), one] as const).sort(([a], [b]) => a - b);
    const shuffled = ranked.map(([, one]) => one);
    const { rows } = await run(
      shuffled.map((one) => ({ ...one, at: one.at / 10 })),
      draws,
      { batchSize: 5 },
      false,
    );
    for (const row of rows) results.add(row.rules);
  }
  expect(results.size).toBe(1);
});

describe("removals", () => {
  const off = (at: number): Rule => ({ id: "r", most: 0, isOff: true, at });
  const on = (most: number, at: number): Rule => ({ id: "r", most, isOff: false, at });
  const see = async (memory: MemoryPipeline, at: number) => {
    memory.put("payments", { card: "card", amount: 1, at }, "card");
    await memory.run();
    return memory.rows<{ rules: string }>("seen").at(-1)!.rules;
  };

  test("an older value does not bring back what was removed; a newer one does", async () => {
    const memory = new MemoryPipeline(checking, { start: 300 * HOUR });
    const put = async (one: Rule) => {
      memory.put("rules", one, "key");
      await memory.run();
    };
    await put(on(1, 100 * HOUR));
    expect(await see(memory, 100 * HOUR)).toBe("r=1");
    await put(off(101 * HOUR));
    expect(await see(memory, 101 * HOUR)).toBe("");
    await put(on(2, 100.5 * HOUR));
    expect(await see(memory, 101 * HOUR)).toBe("");
    await put(on(3, 101.5 * HOUR));
    expect(await see(memory, 101 * HOUR)).toBe("r=3");
  });

  test("a removal is forgotten once its stage is keepRemoved beyond it, and what is older than that is a dead letter", async () => {
    const sizes: number[] = [];
    const memory = new MemoryPipeline(checking, {
      start: 300 * HOUR,
      onTurn: ({ task, stateEntries }) => {
        if (task.includes(":by-card:")) sizes.push(stateEntries.get("rule-of") ?? 0);
      },
    });
    const put = async (one: Rule, at: number) => {
      memory.put("rules", one, "key");
      memory.put("payments", { card: "card", amount: 1, at }, "card");
      await memory.run();
      return sizes.at(-1);
    };
    expect(await put(off(100 * HOUR), 100 * HOUR)).toBe(1);
    // Payments alone are far beyond it: that does not count.
    expect(await put({ ...on(1, 102 * HOUR), id: "s" }, 200 * HOUR)).toBe(2);
    expect(await put({ ...on(1, 103 * HOUR), id: "s" }, 200 * HOUR)).toBe(1);
    await put(on(1, 99 * HOUR), 200 * HOUR);
    expect(memory.rows<DeadLetter>("$dead-letters").map(({ reason }) => reason.code)).toEqual(["broadcast/late"]);
    expect(await see(memory, 200 * HOUR)).toBe("s=1");
  });
});

test("what is broadcast to a stage leaves the elements of its keys what they were, and a plan says so", () => {
  expect(planStages(checking).map(({ name, input, shuffles }) => [name, input.kind, shuffles.length])).toEqual([
    ["rules", "source", 1],
    ["payments", "source", 1],
    ["by-card", "shuffle", 0],
  ]);
  const lines = explain(checking).split("\n");
  expect(lines).toContain("  broadcast rule-of: to every task that reads it, after rules");
  expect(lines).toContain(
    "stage by-card: reads the internal stream by-card, which rules and payments write to, through keyBy by-card and broadcast rule-of",
  );
});

describe("refused when built", () => {
  const keyed = kinesis("payments", { schema: payment, key: { card: (one) => one.card }, ...timed });

  test("a source's own partitions, with the advice to use keyBy", () => {
    expect(() =>
      pipeline("p", (flow) => {
        const ruleOf = flow.from(rules).broadcast("rule-of", { key: ({ id }) => id });
        flow
          .from(keyed)
          .byKey.process("check", { broadcast: { ruleOf }, onRecord: ({ card }) => [{ card, rules: "" }] })
          .to(seen);
      }),
    ).toThrow(/process\("check"\)\.broadcast is read where the source "payments" is.*Use keyBy in place of byKey/s);
  });

  test("another pipeline's, and what is none", () => {
    const other = (broadcast: unknown) => () =>
      pipeline("p", (flow) => {
        flow
          .from(payments)
          .keyBy("by-card", { card: (one) => one.card })
          .process("check", { broadcast: { broadcast: broadcast as never }, onRecord: () => [{ card: "", rules: "" }] })
          .to(seen);
      });
    expect(other({ kind: "broadcast", name: "x" })).toThrow(/has a "broadcast" that is none of this pipeline/);
    expect(other(undefined)).toThrow(/has a "broadcast" that is none of this pipeline/);
  });

  test("one that nobody reads, and one of the stage's own rows", () => {
    expect(() => pipeline("p", (flow) => void flow.from(rules).broadcast("rule-of", { key: ({ id }) => id }))).toThrow(
      /"rule-of" leads nowhere/,
    );
    expect(() =>
      pipeline("p", (flow) => {
        const byCard = flow.from(payments).keyBy("by-card", { card: (one) => one.card });
        const own = byCard
          .deduplicate("once", { id: (one) => one.at, within: { hours: 1 } })
          .broadcast("own", { key: ({ card }) => card });
        byCard.process("check", { broadcast: { own }, onRecord: () => [{ card: "", rules: "" }] }).to(seen);
      }),
    ).toThrow(/process\("check"\) would have the stage "by-card" read what it sends itself/);
  });

  test("what does not fit does not compile", () => {
    const build = () =>
      pipeline("p", (flow) => {
        // @ts-expect-error a key is no object
        flow.from(rules).broadcast("bad", { key: (one) => one });
        const ruleOf = flow.from(rules).broadcast("rule-of", { key: ({ id }) => id });
        flow
          .from(payments)
          .keyBy("by-card", { card: (one) => one.card })
          .process("check", {
            broadcast: { ruleOf },
            // @ts-expect-error ids are texts
            onRecord: (_payment, { broadcast }) => [broadcast.ruleOf.get(1)],
          });
      });
    expect(build).toThrow();
  });
});
