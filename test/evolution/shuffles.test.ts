import {
  bigint,
  count,
  double,
  hopping,
  kinesis,
  lake,
  nullable,
  pipeline,
  sum,
  text,
  timestamp,
  tumbling,
  type Aggregate,
  type AggregateOptions,
  type Pipeline,
  type TimeWindows,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { boxed, event, listed, shown, type Event } from "./events.ts";

/** Nothing is late, and nothing closes before the end. */
const source = kinesis("events", {
  schema: event,
  eventTime: (e) => e.time,
  disorder: { millis: 1_000 },
  idle: "never",
  maxFuture: "unbounded",
});
const rows = lake("rows", {
  key: text,
  windowStart: timestamp,
  windowEnd: timestamp,
  events: nullable(bigint),
  total: nullable(double),
  seen: nullable(text),
});

interface Version {
  readonly aggregates: Readonly<Record<string, Aggregate<Event, unknown>>>;
  readonly changes?: AggregateOptions;
  readonly window?: string;
  readonly was?: readonly string[];
  readonly dropped?: readonly string[];
}

const version = (
  { aggregates, changes = {}, window = "w", was = [], dropped = [] }: Version,
  windows: TimeWindows = tumbling({ millis: 20 }),
  preAggregate = true,
): Pipeline =>
  pipeline(
    "changing",
    (flow) => {
      flow
        .from(source)
        .keyBy("by-key", { key: (e) => e.key }, { preAggregate })
        .window(window, windows, { was })
        .aggregate(aggregates as Record<string, never>, changes)
        .to(rows as never);
    },
    { dropped },
  );

const total = sum((e: Event) => e.n);

const VERSIONS: readonly Version[] = [
  { aggregates: { events: count(), seen: listed } },
  {
    window: "windows",
    was: ["w"],
    aggregates: { total, seen: boxed, events: count() },
    changes: { version: 2, migrate: { 1: { added: ["total"] } } },
  },
  {
    window: "windows",
    was: ["w"],
    aggregates: { seen: boxed, total },
    changes: { version: 3, migrate: { 1: { added: ["total"] }, 2: { removed: ["events"] } } },
  },
];

const step = fc.record({
  deploys: fc.boolean(),
  events: fc.array(fc.record({ key: fc.constantFrom("a", "b", "c", "d"), time: fc.nat(99) }), { maxLength: 8 }),
  reads: fc.boolean(),
  restarts: fc.boolean(),
});

describe.each([
  ["tumbling", tumbling({ millis: 20 })],
  ["hopping", hopping({ size: { millis: 20 }, every: { millis: 10 } })],
] as const)("%s windows behind a shuffle", (_name, windows) => {
  test.each([true, false])(
    "what is in the stream between two stages when versions follow on each other is read as what it is (pre-aggregated: %s)",
    async (preAggregate) => {
      await fc.assert(
        fc.asyncProperty(
          fc.array(step, { maxLength: 10 }),
          fc.integer({ min: 1, max: 3 }),
          fc.boolean(),
          async (steps, shards, hasSmallLimits) => {
            const limits = { spill: 0, shortLog: 0, checkpoint: 0 };
            const memory = new MemoryPipeline(version(VERSIONS[0]!, windows, preAggregate), {
              shards,
              batchSize: 3,
              ...(hasSmallLimits && { limits }),
            });
            const empty = () => new Map<string, { total: number | undefined; seen: number[] }>();
            const expected = empty();
            const unread: Event[] = [];
            let now = 0;
            let n = 0;
            const note = (all: readonly Event[]) => {
              for (const { key, time, n: number } of all) {
                for (const { start } of windows.assign(time)) {
                  const place = `${key} ${start}`;
                  const { total = 0, seen } = expected.get(place) ?? { seen: [] };
                  expected.set(place, { total: now > 0 ? total + number : total, seen: [...seen, number] });
                }
              }
            };
            const read = async () => {
              while (await memory.runStage("by-key"));
              if (!preAggregate) note(unread.splice(0));
            };
            const deployNext = () => {
              if (now === VERSIONS.length - 1) return;
              now++;
              memory.deploy(version(VERSIONS[now]!, windows, preAggregate), `build-${now + 1}`);
            };
            for (const { deploys, events, reads, restarts } of steps) {
              if (deploys) deployNext();
              if (restarts) for (const name of memory.stages.keys()) memory.restart(name);
              const all = events.map((each): Event => ({ ...each, n: ++n }));
              for (const each of all) memory.put("events", each, `key ${each.n % 5}`);
              while (await memory.runStage("events"));
              // What is aggregated before the shuffle is, as soon as it is sent, of the version that sent it.
              if (preAggregate) note(all);
              else unread.push(...all);
              if (reads) await read();
            }
            while (now < VERSIONS.length - 1) deployNext();
            await read();
            await memory.drain();
            const found = memory
              .rows<{ key: string; window_start: number; total: number; seen: string }>("rows")
              .map(({ key, window_start, total, seen }) => [`${key} ${window_start}`, { total, seen }] as const);
            expect(new Map(found)).toEqual(
              new Map([...expected].map(([place, { total = 0, seen }]) => [place, { total, seen: shown(seen) }])),
            );
            expect(found).toHaveLength(expected.size);
            expect(memory.delivered.get("$dead-letters") ?? []).toEqual([]);
          },
        ),
        { numRuns: 40 },
      );
    },
  );
});

describe("what does not fit stops the stage that meets it, and comes again", () => {
  const one = (key: string, n: number): Event => ({ key, time: 10, n });
  const other = sum((e: Event) => e.n * 100);

  /** Version 1 has sent something that nobody has read. */
  async function sent(first: Pipeline): Promise<MemoryPipeline> {
    const memory = new MemoryPipeline(first);
    memory.put("events", one("a", 1), "k");
    await memory.runStage("events");
    return memory;
  }

  test("another set of aggregates, and nobody said so", async () => {
    const memory = await sent(version({ aggregates: { other } }));
    memory.deploy(version({ aggregates: { total } }), "build-2");
    // As many accumulators, of the same kind: without their shape they would be taken for the total's.
    await expect(memory.runStage("by-key")).rejects.toMatchObject({
      code: "state/shape",
      message:
        'What was aggregated for operator "w" before keyBy("by-key"), and is in the stream between their stages, does not ' +
        'fit this build: it has no "total", which this build has; it has a "other", which this build does not have. If ' +
        "the build that sent it is the later one, deploy it. Else say what changed (docs/state-evolution.md): give the " +
        'operator version: 2, migrate: { 1: { added: ["total"], removed: ["other"] } }.',
    });
    const declared = { version: 2, migrate: { 1: { added: ["total"], removed: ["other"] } } };
    memory.deploy(version({ aggregates: { total }, changes: declared }), "build-3");
    await memory.drain();
    // What it is of is no more there: the window has it, with nothing in it.
    expect(memory.rows("rows")).toMatchObject([{ key: "a", total: 0 }]);
  });

  test("other windows", async () => {
    const memory = await sent(version({ aggregates: { total } }));
    memory.deploy(version({ aggregates: { total } }, tumbling({ millis: 30 })), "build-2");
    await expect(memory.runStage("by-key")).rejects.toMatchObject({ code: "state/shape" });
    memory.deploy(version({ aggregates: { total } }), "build-3");
    await memory.drain();
    expect(memory.rows("rows")).toMatchObject([{ key: "a", total: 1 }]);
  });

  test("a reader of version 1 meets what version 2 has sent: it stops until version 2 reads", async () => {
    const memory = new MemoryPipeline(version(VERSIONS[0]!));
    memory.put("events", one("a", 1), "k");
    await memory.run();
    const zombie = memory.stage("by-key").process!;
    const shard = memory.stage("by-key").stream.shards[0]!;
    const second = version({ ...VERSIONS[1]!, window: "w", was: [] });
    memory.deploy(second, "build-2");
    memory.put("events", one("a", 2), "k");
    await memory.runStage("events");
    const before = await memory.changelog.newest(memory.taskName(memory.stage("by-key"), shard.id), { from: 1 });
    await expect(zombie.records(shard.id, shard.records)).rejects.toMatchObject({
      code: "state/newer",
      message: expect.stringContaining("is of a later version than this build's: its version is 2") as string,
    });
    const after = await memory.changelog.newest(memory.taskName(memory.stage("by-key"), shard.id), { from: 1 });
    expect(after.commits).toEqual(before.commits);
    await memory.drain();
    expect(memory.rows("rows")).toMatchObject([{ key: "a", events: 2, total: 2, seen: "1 2" }]);
  });

  test("what is on its way to a window whose state goes, goes, and is counted as filtered", async () => {
    const counts = new Map<string, number>();
    const memory = new MemoryPipeline(version({ aggregates: { total } }), {
      onTurn: (report) => {
        if (!report.task.includes(":by-key:")) return;
        for (const [operator, of] of report.counts) {
          for (const [field, n] of Object.entries(of) as [string, number][]) {
            const name = `${operator} ${field}`;
            counts.set(name, (counts.get(name) ?? 0) + n);
          }
        }
      },
    });
    for (const n of [1, 2]) memory.put("events", one("a", n), "k");
    await memory.run();
    for (const n of [3, 4, 5]) memory.put("events", one("a", n), "k");
    memory.put("events", one("b", 6), "k");
    await memory.runStage("events");
    memory.deploy(version({ aggregates: { total }, window: "anew", dropped: ["w"] }), "build-2");
    memory.put("events", one("a", 7), "k");
    await memory.drain();
    expect(memory.rows("rows")).toMatchObject([{ key: "a", total: 7 }]);
    expect(memory.delivered.get("$dead-letters") ?? []).toEqual([]);
    const of = (operator: string, ...fields: readonly string[]) =>
      fields.reduce((sum, field) => sum + (counts.get(`${operator} ${field}`) ?? 0), 0);
    expect([of("w", "in"), of("w", "folded"), of("w", "filtered")]).toEqual([6, 2, 4]);
    expect(of("anew", "in")).toBe(1);
    // Along the stage: in = folded + filtered + late + dead.
    expect(of("by-key", "in")).toBe(7);
    expect(of("by-key", "dead") + ["w", "anew"].reduce((n, o) => n + of(o, "folded", "filtered", "late"), 0)).toBe(7);
  });
});

describe("the stages themselves", () => {
  const keyedBy = (name: string, key: Record<string, (e: Event) => string>, dropped: readonly string[] = []) =>
    pipeline(
      "changing",
      (flow) => {
        flow
          .from(source)
          .keyBy(name, key as { key: (e: Event) => string })
          .process("as-it-is", {
            *onRecord(e) {
              yield e;
            },
          })
          .to(lake("plain", { key: text, time: double, n: double }) as never);
      },
      { dropped },
    );
  const byKey = { key: (e: Event) => e.key };

  test("a keyBy has another name: its producers stop before anything is changed", async () => {
    const memory = new MemoryPipeline(keyedBy("by-key", byKey));
    memory.put("events", { key: "a", time: 1, n: 1 }, "k");
    await memory.run();
    const task = memory.taskName(memory.stage("events"), memory.stage("events").stream.shards[0]!.id);
    const before = await memory.changelog.newest(task, { from: 1 });
    memory.deploy(keyedBy("by-name", byKey), "build-2");
    memory.put("events", { key: "a", time: 2, n: 2 }, "k");
    await expect(memory.runStage("events")).rejects.toMatchObject({
      code: "state/shape",
      message: expect.stringMatching(
        /build "memory" sends through "by-key", and this build has no keyBy or broadcast of that name\. .*Such a name cannot change/,
      ) as string,
    });
    expect(await memory.changelog.newest(task, { from: 1 })).toEqual(before);
    memory.deploy(keyedBy("by-name", byKey, ["by-key"]), "build-3");
    await memory.drain();
    expect(memory.rows("plain")).toMatchObject([{ n: 1 }, { n: 2 }]);
  });

  test("a key of other fields: what has the old one is set aside", async () => {
    const memory = new MemoryPipeline(keyedBy("by-key", byKey));
    memory.put("events", { key: "a", time: 1, n: 1 }, "k");
    await memory.runStage("events");
    memory.deploy(keyedBy("by-key", { key: byKey.key, twice: byKey.key }), "build-2");
    memory.put("events", { key: "a", time: 2, n: 2 }, "k");
    await memory.runStage("events");
    memory.deploy(keyedBy("by-key", byKey), "build-3");
    await memory.drain();
    expect(memory.rows("plain")).toMatchObject([{ n: 1 }]);
    expect(memory.rows("$dead-letters")).toMatchObject([{ kind: "record", reason: { code: "shuffle/other-key" } }]);
  });
});
