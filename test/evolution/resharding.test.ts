import {
  bigint,
  count,
  double,
  eventTime,
  kinesis,
  lake,
  list,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
  value,
  type Pipeline,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import type { MemoryStream } from "../../lib/testing/memory-stream.ts";
import { shown } from "./events.ts";

const schema = z.object({ key: z.string(), time: z.number(), n: z.number() });
type Event = z.infer<typeof schema>;

/** Nothing is late, and nothing closes before the end. */
const sourceOf = (name: string, disorder = 1_000) =>
  kinesis(name, {
    schema,
    eventTime: (e) => e.time,
    disorder: { millis: disorder },
    idle: "never",
    maxFuture: "unbounded",
  });
const [events, others] = [sourceOf("events"), sourceOf("others")];
const rows = lake("rows", { key: text, seen: text, told: text }) as never;

/** Two streams that meet in one function, whose state has another form, and which has another name, in version 2. */
const meeting = (version: 1 | 2): Pipeline =>
  pipeline("meeting", (flow) => {
    const ours = flow.from(events).keyBy("ours", { key: (e) => e.key });
    const theirs = flow.from(others).keyBy("theirs", { key: (e) => e.key });
    const timers = { end: eventTime };
    if (version === 1) {
      ours
        .connect(theirs)
        .process("met", {
          state: { seen: list(z.number()), told: value(z.array(z.number()), { initial: [] }) },
          timers,
          onRecord({ n }, { state, timers }) {
            state.seen.append(n);
            timers.end.set(10_000);
          },
          onOther({ n }, { state, timers }) {
            state.told.set([...state.told.get(), n]);
            timers.end.set(10_000);
          },
          *onTimer(_timer, { key, state }) {
            yield { key: key.key, seen: shown(state.seen.get()), told: shown(state.told.get()) };
          },
        })
        .to(rows);
      return;
    }
    ours
      .connect(theirs)
      .process("joined", {
        was: ["met"],
        state: {
          seen: list(z.object({ n: z.number() }), { version: 2, migrate: { 1: (n: number) => ({ n }) } }),
          told: value(z.string(), {
            initial: "",
            version: 2,
            migrate: { 1: (numbers: number[]) => numbers.map((n) => ` ${n}`).join("") },
          }),
        },
        timers,
        onRecord({ n }, { state, timers }) {
          state.seen.append({ n });
          timers.end.set(10_000);
        },
        onOther({ n }, { state, timers }) {
          state.told.set(`${state.told.get()} ${n}`);
          timers.end.set(10_000);
        },
        *onTimer(_timer, { key, state }) {
          const told = state.told.get().split(" ").slice(1).map(Number);
          yield { key: key.key, seen: shown(state.seen.get().map(({ n }) => n)), told: shown(told) };
        },
      })
      .to(rows);
  });

/** A window behind a shuffle. */
const summed = (version: 1 | 2): Pipeline =>
  pipeline("summed", (flow) => {
    const keyed = flow.from(events).keyBy("ours", { key: (e) => e.key });
    const bounds = { key: text, windowStart: timestamp, windowEnd: timestamp };
    if (version === 1) {
      keyed
        .window("w", tumbling({ millis: 50 }))
        .aggregate({ events: count() })
        .to(lake("rows", { ...bounds, events: bigint }));
      return;
    }
    keyed
      .window("windows", tumbling({ millis: 50 }), { was: ["w"] })
      .aggregate(
        { total: sum((e: Event) => e.n), events: count() },
        { version: 2, migrate: { 1: { added: ["total"] } } },
      )
      .to(lake("rows", { ...bounds, events: bigint, total: double }));
  });

type Step =
  | { readonly kind: "put"; readonly source: "events" | "others"; readonly key: string; readonly time: number }
  | { readonly kind: "send" | "read" | "deploy" | "split" | "merge"; readonly at: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      kind: fc.constant("put" as const),
      source: fc.constantFrom("events" as const, "others" as const),
      key: fc.constantFrom(..."abcdefgh"),
      time: fc.nat(99),
    }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      kind: fc.constantFrom(...(["send", "read", "deploy", "split", "merge"] as const)),
      at: fc.nat(9),
    }),
  },
);

function reshard(stream: MemoryStream, kind: "split" | "merge", at: number): void {
  const open = stream.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
  if (kind === "split") stream.split(open[at % open.length]!);
  else if (open.length > 1) stream.merge(open[at % (open.length - 1)]!, open[(at % (open.length - 1)) + 1]!);
}

/** Version 2 is deployed somewhere among the steps, while what version 1 has sent is unread and shards are closed. */
async function run(versions: readonly [Pipeline, Pipeline], steps: readonly Step[]) {
  const memory = new MemoryPipeline(versions[0], { shards: 1, internalShards: 2, batchSize: 2 });
  const put: (Event & { readonly source: string; readonly version: 1 | 2 })[] = [];
  let isSecond = false;
  const sources = ["events", "others"].filter((name) => memory.stages.has(name));
  const deploy = () => {
    if (!isSecond) memory.deploy(versions[1], "build-2");
    isSecond = true;
  };
  for (const of of steps) {
    if (of.kind === "put") {
      if (!sources.includes(of.source)) continue;
      const { key, time, source } = of;
      const event = { key, time, n: put.length + 1 };
      put.push({ ...event, source, version: isSecond ? 2 : 1 });
      memory.put(source, event, key);
    } else if (of.kind === "send") for (const source of sources) await memory.runStage(source);
    else if (of.kind === "read") await memory.runStage("ours");
    else if (of.kind === "deploy") deploy();
    else reshard(memory.stage("ours").stream, of.kind, of.at);
  }
  deploy();
  await memory.drain();
  expect(memory.delivered.get("$dead-letters") ?? []).toEqual([]);
  return { memory, put };
}

describe("an internal stream is split and merged while its pipeline changes", () => {
  test("two streams that meet in a function: state of both sides is migrated, and nothing is lost or repeated", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { memory, put } = await run([meeting(1), meeting(2)], steps);
        const keys = [...new Set(put.map(({ key }) => key))].sort();
        const of = (key: string, source: string) =>
          shown(put.filter((e) => e.key === key && e.source === source).map(({ n }) => n));
        const found = memory.rows<{ key: string }>("rows").toSorted((a, b) => (a.key < b.key ? -1 : 1));
        expect(found).toEqual(keys.map((key) => ({ key, seen: of(key, "events"), told: of(key, "others") })));
      }),
      { numRuns: 60 },
    );
  });

  test("a window's partial aggregates", async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const { memory, put } = await run([summed(1), summed(2)], steps);
        const expected = new Map<string, number>();
        for (const { key, time } of put) {
          const place = `${key} ${Math.floor(time / 50) * 50}`;
          expected.set(place, (expected.get(place) ?? 0) + 1);
        }
        const found = memory.rows<{ key: string; window_start: number; events: number }>("rows");
        const counts = found.map(({ key, window_start, events }) => [`${key} ${window_start}`, events] as const);
        expect(new Map(counts)).toEqual(expected);
        expect(counts).toHaveLength(expected.size);
      }),
      { numRuns: 60 },
    );
  });
});

/** What a source's shards have is given to a sink; version 2 has a second stage behind them too. */
const growing = (isKeyed: boolean): Pipeline =>
  pipeline("growing", (flow) => {
    const stream = flow.from(sourceOf("events", 0));
    stream.to(lake("plain", { key: text, time: double, n: double }));
    if (!isKeyed) return;
    stream
      .keyBy("ours", { key: (e) => e.key })
      .window("w", tumbling({ millis: 10 }))
      .aggregate({ events: count() })
      .to(lake("rows", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint }));
  });

test.each([
  ["none of its children", []],
  ["one of its children", [1]],
  ["both of its children", [1, 2]],
] as const)(
  "a parent sealed by version 1, of which %s began there: version 2's new keyBy waits for both",
  async (_what, early) => {
    const memory = new MemoryPipeline(growing(false));
    const { stream } = memory.stage("events");
    // Keys as Kinesis has them once the shard is split.
    stream.split(stream.shards[0]!);
    const keys = [1, 2].map((at) => keyOf(stream, at));
    const put = (child: number, time: number) => memory.put("events", { key: "k", time, n: child }, keys[child - 1]!);
    if (early.length === 0) {
      const task = memory.taskName(memory.stage("events"), stream.shards[1]!.id);
      // The child's turn seals its parent, and dies before its own first commit.
      const { changelog } = memory;
      const append = changelog.append.bind(changelog);
      changelog.append = async (of, commit) => {
        if (of === task) throw new Error("the process is gone");
        return append(of, commit);
      };
      put(1, 5);
      await expect(memory.runStage("events")).rejects.toThrow("the process is gone");
      changelog.append = append;
    }
    for (const child of early) put(child, 5);
    if (early.length > 0) await memory.runStage("events");
    memory.deploy(growing(true), "build-2");
    put(1, 1_000);
    await memory.runStage("events");
    while (await memory.runStage("ours"));
    // The other child has not said how far it is.
    put(2, 5);
    await memory.drain();
    const found = memory.rows<{ window_start: number; events: number }>("rows");
    expect(found.map(({ window_start, events }) => [window_start, events])).toEqual([
      [0, early.length === 0 ? 2 : 1],
      [1_000, 1],
    ]);
  },
);

function keyOf(stream: MemoryStream, at: number): string {
  for (let i = 0; ; i++) {
    const shard = stream.take({ partitionKey: `k${i}`, text: "{}" });
    shard.records.pop();
    if (shard === stream.shards[at]) return `k${i}`;
  }
}
