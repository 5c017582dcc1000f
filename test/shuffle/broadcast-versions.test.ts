import { kinesis, lake, pipeline, text, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const HOUR = 3_600_000;

const rule = z.object({ id: z.string(), most: z.number(), isOff: z.boolean(), at: z.number() });
const payment = z.object({ card: z.string(), amount: z.number(), at: z.number() });
type Rule = z.infer<typeof rule>;

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { hours: 1 } } as const;
const rules = kinesis("rules", { schema: rule, ...timed });
const payments = kinesis("payments", { schema: payment, ...timed });
const seen = lake("seen", { card: text, rules: text });

describe("versions of what is broadcast", () => {
  const of = (
    change: (one: Rule) => unknown,
    options: { version?: number; migrate?: Record<number, (old: never) => unknown> },
  ) =>
    pipeline("versions", (flow) => {
      const ruleOf = flow
        .from(rules)
        .map("change", (one) => ({ id: one.id, most: change(one) }))
        .broadcast("rule-of", { key: ({ id }) => id, ...options });
      flow
        .from(payments)
        .keyBy("by-card", { card: (one) => one.card })
        .process("check", {
          broadcast: { ruleOf },
          onRecord: ({ card }, { broadcast }) => [
            {
              card,
              rules: broadcast.ruleOf
                .values()
                .map(({ most }) => JSON.stringify(most))
                .join(),
            },
          ],
        })
        .to(seen);
    });
  const first = of(({ most }) => most, {});
  const second = of(({ most }) => ({ cents: most * 100 }), {
    version: 2,
    migrate: { 1: ({ id, most }: { id: string; most: number }) => ({ id, most: { cents: most * 100 } }) },
  });

  /** What another build's process goes on with. */
  function deploy(memory: MemoryPipeline, next: Pipeline): MemoryPipeline {
    const later = new MemoryPipeline(next, { start: memory.now });
    Object.assign(later, { changelog: memory.changelog, objects: memory.objects, delivered: memory.delivered });
    for (const [name, stage] of later.stages) {
      Object.assign(stage, { stream: memory.stage(name).stream, done: memory.stage(name).done });
    }
    return later;
  }

  const put = (memory: MemoryPipeline, id: string) => {
    memory.put("rules", { id, most: 1, isOff: false, at: 100 * HOUR }, "key");
    memory.put("payments", { card: "card", amount: 1, at: 100 * HOUR }, "card");
  };
  const last = (memory: MemoryPipeline) => memory.rows<{ rules: string }>("seen").at(-1)!.rules;

  test("what is stored of an earlier version becomes this build's, and what is under way too", async () => {
    const old = new MemoryPipeline(first, { start: 300 * HOUR });
    put(old, "a");
    await old.run();
    expect(last(old)).toBe("1");
    const now = deploy(old, second);
    now.stage("rules").process = old.stage("rules").process; // what it sends is of the first version
    put(now, "b");
    await now.run();
    now.restart("rules");
    put(now, "c");
    await now.run();
    expect(last(now)).toBe('{"cents":100},{"cents":100},{"cents":100}');
  });

  test("one that has another name stops the tasks that sent it, and names it", async () => {
    const memory = new MemoryPipeline(first, { start: 300 * HOUR });
    put(memory, "a");
    await memory.run();
    const renamed = pipeline("versions", (flow) => {
      const limitOf = flow.from(rules).broadcast("limit-of", { key: ({ id }) => id });
      flow
        .from(payments)
        .keyBy("by-card", { card: (one) => one.card })
        .process("check", { broadcast: { limitOf }, onRecord: ({ card }) => [{ card, rules: "" }] })
        .to(seen);
    });
    memory.deploy(renamed, "build-2");
    put(memory, "b");
    await expect(memory.runStage("rules")).rejects.toThrow(
      /sends through "rule-of", and this build has no keyBy or broadcast of that name/,
    );
  });

  test("what a later build sent stops the task, and names what to deploy", async () => {
    const memory = new MemoryPipeline(second, { start: 300 * HOUR });
    put(memory, "a");
    await memory.run();
    const back = deploy(memory, first);
    put(back, "b");
    await expect(back.run()).rejects.toThrow(/later version/);
  });
});
