import { kinesis, lake, pipeline, text, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
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

test("X7: a value that was set aside where it is read does not come back when its removal is forgotten", async () => {
  let isBroken = true;
  const of = (version: number) =>
    pipeline("removed", (flow) => {
      const ruleOf = flow.from(rules).broadcast("rule-of", {
        key: ({ id }) => id,
        removes: ({ isOff }) => isOff,
        keepRemoved: { hours: 2 },
        version,
        ...(version === 2 && {
          migrate: {
            1: (one: Rule) => {
              if (isBroken) throw new Error("cannot");
              return one;
            },
          },
        }),
      });
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
                .map((r) => r.id)
                .join(),
            },
          ],
        })
        .to(seen);
    });
  const memory = new MemoryPipeline(of(1), { start: 300 * HOUR });
  const put = async (one: Rule) => {
    memory.put("rules", one, "key");
    memory.put("payments", { card: "card", amount: 1, at: one.at }, "card");
    await memory.run();
  };
  memory.put("rules", { id: "r", most: 1, isOff: false, at: 100 * HOUR }, "key");
  await memory.runStage("rules"); // what it sent is of version 1
  memory.deploy(of(2), "second");
  await memory.run();
  const [body] = (memory.delivered.get("$dead-letters") ?? []).map(({ id, body }) => ({
    ...(JSON.parse(body) as DeadLetter),
    id,
  }));
  expect(body).toMatchObject({ kind: "record", stage: "by-card" });
  isBroken = false;
  await put({ id: "r", most: 0, isOff: true, at: 101 * HOUR });
  await put({ id: "s", most: 1, isOff: false, at: 110 * HOUR });
  await put({ id: "s", most: 1, isOff: false, at: 120 * HOUR }); // by now nobody knows of the removal
  memory
    .stage("by-card")
    .waiting.push({ message: { type: "redrive", task: body!.task, letter: body! }, at: memory.now });
  await memory.run();
  memory.put("payments", { card: "card", amount: 1, at: 120 * HOUR }, "card");
  await memory.run();
  expect(memory.rows<{ rules: string }>("seen").at(-1)!.rules).toBe("s");
  expect(memory.rows<DeadLetter>("$dead-letters").map(({ reason }) => reason.code)).toEqual([
    "user-code/threw",
    "broadcast/late",
  ]);
});
