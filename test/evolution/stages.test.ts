import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling, type Pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { eventsOf } from "./events.ts";

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

/** An operator moves across a keyBy: what its error says to do can be built, and is enough. */
describe("an operator that moves", () => {
  const keyed = eventsOf(z.object({ key: z.string(), time: z.number() }), 0);
  const moving = (
    isBehind: boolean,
    name: string,
    { was = [], dropped = [] }: { was?: readonly string[]; dropped?: readonly string[] } = {},
  ): Pipeline =>
    pipeline(
      "moving",
      (flow) => {
        const stream = flow.from(keyed);
        const shuffled = stream.keyBy("by-key", { key: (e) => e.key });
        shuffled
          .process("kept", {
            *onRecord({ key, time }) {
              yield { key, time: BigInt(time) };
            },
          })
          .to(plain);
        const at = isBehind ? shuffled : stream.byKey;
        at.window(name, tumbling({ millis: 10 }), { was })
          .aggregate({ events: count() })
          .to(rows);
      },
      { dropped },
    );

  test.each([
    ["behind a keyBy", true, "events", moving(true, "w")],
    ["behind a keyBy, under another name", true, "events", moving(true, "windows", { was: ["w"] })],
    ["before it", false, "by-key", moving(false, "w")],
    ["before it, under another name", false, "by-key", moving(false, "windows", { was: ["w"] })],
  ] as const)("%s", async (_where, isBehind, stops, moved) => {
    const memory = new MemoryPipeline(moving(!isBehind, "w"));
    memory.put("events", { key: "a", time: 5 }, "a");
    await memory.run();
    memory.deploy(moved, "build-2");
    memory.put("events", { key: "a", time: 6 }, "a");
    await expect(memory.run()).rejects.toMatchObject({
      code: "state/shape",
      message: expect.stringMatching(
        new RegExp(
          `^Task moving:0:${stops}:.* its stage has no such operator, and another part of the pipeline has its name: .*` +
            'under a name that neither is nor was "w", and give the pipeline dropped: \\["w"\\]\\.$',
        ),
      ) as string,
    });
    const name = moved.nodes.find(({ kind }) => kind === "window")!.name;
    // Where the stage that it moved to had begun, what it has there goes too.
    const dropped = isBehind || name === "w" ? ["w"] : ["w", name];
    memory.deploy(moving(isBehind, "anew", { dropped }), "build-3");
    memory.put("events", { key: "a", time: 7 }, "a");
    await memory.drain();
    expect(memory.rows("rows")).toMatchObject([{ key: "a", events: isBehind ? 2 : 1 }]);
    expect(memory.rows("plain")).toHaveLength(3);
  });

  test("what the error says not to write cannot be built", () => {
    expect(() => moving(true, "w", { dropped: ["w"] })).toThrow(/what is dropped, "w" is the name of a window/);
    expect(() => moving(true, "w", { was: ["w"] })).toThrow(/what "w" was, "w" is the name of a window/);
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
