import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";

const sourceOf = (name: string) =>
  kinesis(name, {
    schema: z.object({ key: z.string(), time: z.number() }),
    eventTime: (e) => e.time,
    disorder: { millis: 0 },
    idle: "never",
    maxFuture: "unbounded",
  });
const [events, others] = [sourceOf("events"), sourceOf("others")];
const plain = lake("plain", { key: text, time: bigint } as never) as never;
const rows = lake("rows", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint });

/** @param keyed whether there is a second stage @param sources what it reads */
const version = (keyed: boolean, sources = [events]): Pipeline =>
  pipeline("growing", (flow) => {
    const [first, ...rest] = sources.map((source) => flow.from(source));
    const stream = rest.length === 0 ? first! : first!.union("both", ...rest);
    stream.map("kept", ({ key, time }) => ({ key, time: BigInt(time) }) as never).to(plain);
    if (!keyed) return;
    stream
      .keyBy("by-key", { key: (e) => e.key })
      .window("w", tumbling({ millis: 10 }))
      .aggregate({ events: count() })
      .to(rows);
  });

/** Partition keys that Kinesis has in the one and the other of two shards. */
function keysOfShards(memory: MemoryPipeline, source: string): readonly string[] {
  const found = new Map<string, string>();
  for (let i = 0; found.size < 2; i++) {
    memory.put(source, { key: "probe", time: 0 }, `k${i}`);
    const at = memory
      .stage(source)
      .stream.shards.find(({ records }) => records.some((r) => r.partitionKey === `k${i}`))!;
    if (!found.has(at.id)) found.set(at.id, `k${i}`);
  }
  return [...found.values()];
}

describe("a stage is added to a pipeline that runs", () => {
  test("it waits for all tasks that were there, also for one that has nothing new", async () => {
    const memory = new MemoryPipeline(version(false), { shards: 2 });
    const [fast, slow] = keysOfShards(memory, "events");
    await memory.run();
    memory.deploy(version(true), "build-2");
    memory.put("events", { key: "a", time: 1_000 }, fast!);
    await memory.runStage("events");
    while (await memory.runStage("by-key"));
    // The other task has not said how far it is: what it has yet to send is not late.
    memory.put("events", { key: "a", time: 5 }, slow!);
    await memory.drain();
    const found = memory.rows<{ key: string; window_start: number; events: number }>("rows");
    expect(found.filter(({ key }) => key === "a").map((row) => [row.window_start, row.events])).toEqual([
      [0, 1],
      [1_000, 1],
    ]);
  });

  test("tasks that get no records speak all the same", async () => {
    const memory = new MemoryPipeline(version(false), { shards: 2 });
    const [fast] = keysOfShards(memory, "events");
    await memory.run();
    memory.deploy(version(true), "build-2");
    memory.put("events", { key: "a", time: 1_000 }, fast!);
    await memory.run();
    const producers = memory.stage("events").stream.shards.map(({ id }) => memory.taskName(memory.stage("events"), id));
    for (const task of producers) {
      const { commits } = await memory.changelog.newest(task, { from: 1, limit: 1 });
      expect(commits[0]!.build).toBe("build-2");
    }
  });
});

test("a source is taken out: what it has told holds nothing back", async () => {
  const memory = new MemoryPipeline(version(true, [events, others]));
  memory.put("events", { key: "a", time: 5 }, "k");
  memory.put("others", { key: "a", time: 5 }, "k");
  await memory.run();
  memory.deploy(version(true), "build-2");
  memory.put("events", { key: "b", time: 1_000 }, "k");
  await memory.run();
  expect(memory.rows("rows")).toMatchObject([{ key: "a", events: 2 }]);
});
