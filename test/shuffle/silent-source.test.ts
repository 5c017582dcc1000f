import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { MemoryPipeline, type MemoryPipelineOptions } from "../../lib/testing/memory-pipeline.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import { BEFORE_ALL_TIME } from "../../lib/time/instant.ts";
import { dying, reshard } from "../support/schedules.ts";

const SECOND = 1_000;
const MINUTE = 60_000;
const HOUR = 3_600_000;

const visits = (name: string) =>
  kinesis(name, {
    schema: z.object({ page: z.string(), at: z.number() }),
    eventTime: (visit) => visit.at,
    disorder: { seconds: 30 },
    idle: { minutes: 2 },
  });
const web = visits("web");
const app = visits("app");
const perHour = lake("per_hour", { page: text, windowStart: timestamp, windowEnd: timestamp, visits: bigint });
const late = lake("late", { page: text, at: timestamp });

/** Visits of two sources meet: as long as one of them says nothing, no hour is over. */
const meeting = pipeline("meeting", (flow) => {
  const hours = flow
    .from(web)
    .union("all", flow.from(app))
    .keyBy("by-page", { page: (visit) => visit.page })
    .window("hours", tumbling({ hours: 1 }))
    .aggregate({ visits: count() });
  hours.to(perHour);
  hours.late.to(late);
});

/** When the first visit was; the clock is a day further. */
const START = 1_000 * HOUR;
const CLOCK = START + 24 * HOUR;
const pages = Array.from({ length: 12 }, (_, i) => `page ${i}`);

interface Row {
  readonly page: string;
  readonly visits: string;
}

function begin(options: MemoryPipelineOptions = {}) {
  const turns: TurnReport[] = [];
  const memory = new MemoryPipeline(meeting, { start: CLOCK, ...options, onTurn: (turn) => turns.push(turn) });
  const put = (source: string, at: number) => {
    for (const page of pages) memory.put(source, { page, at }, page);
  };
  const sweeps = (stage: string) =>
    turns.filter(({ task, trigger }) => trigger === "sweep" && task.includes(`:${stage}:`)).length;
  const visitsOf = () =>
    memory
      .rows<Row>("per_hour")
      .map((row) => Number(row.visits))
      .sort();
  return { memory, put, sweeps, visitsOf };
}

test("X12: a source that never had a record is woken after a minute, and no other wait than its own time-out follows", async () => {
  const { memory, put, sweeps, visitsOf } = begin({ shards: 2, internalShards: 3 });
  put("web", START);
  put("web", START + 2 * HOUR);
  await memory.advance(59 * SECOND);
  expect(sweeps("app")).toBe(0);
  await memory.advance(2 * MINUTE);
  expect(visitsOf()).toEqual([]);
  await memory.advance(2 * SECOND);
  expect(visitsOf()).toEqual(pages.map(() => 1));
  await memory.advance(5 * HOUR);
  // One of the reading tasks asks for all of them, once; each task of the source is swept.
  expect([sweeps("app"), sweeps("web")]).toEqual([2, 0]);
  expect(memory.delivered.get("late") ?? []).toEqual([]);
});

test("nothing is asked of sources that speak for themselves", async () => {
  const { memory, put, sweeps, visitsOf } = begin({ shards: 2, internalShards: 3 });
  put("web", START);
  put("app", START);
  await memory.advance(5 * HOUR);
  expect(visitsOf()).toEqual(pages.map(() => 2));
  expect(sweeps("app") + sweeps("web")).toBe(0);
});

test("a source whose records wait to be read is woken, and not taken to be idle: nothing of it is late", async () => {
  const { memory, put, sweeps, visitsOf } = begin();
  put("app", START);
  const { done, stream } = memory.stage("app");
  const [shard] = stream.shards;
  done.set(shard!.id, pages.length); // its mapping does not come to it
  put("web", START + 10 * HOUR);
  await memory.advance(20 * MINUTE);
  expect(sweeps("app")).toBe(1);
  expect(visitsOf()).toEqual([]);
  done.delete(shard!.id);
  await memory.advance(20 * MINUTE);
  expect(visitsOf()).toEqual(pages.map(() => 1));
  expect(memory.delivered.get("late") ?? []).toEqual([]);
});

test("a source that wakes up later has its records in their windows, whenever that is", async () => {
  for (const minutes of [0.5, 1.5, 3.5, 50, 200]) {
    const { memory, put, visitsOf } = begin({ shards: 2 });
    put("web", START);
    await memory.advance(minutes * MINUTE);
    put("app", memory.now);
    put("web", memory.now);
    await memory.advance(5 * HOUR);
    expect(visitsOf().reduce((sum, n) => sum + n, 0)).toBe(3 * pages.length);
    expect(memory.delivered.get("late") ?? []).toEqual([]);
  }
});

test("a request that is lost is repeated after a quarter of an hour; one that comes twice does nothing more", async () => {
  const { memory, put, visitsOf } = begin();
  const { waiting } = memory.stage("app");
  const push = waiting.push.bind(waiting);
  let requests = 0;
  waiting.push = (...messages) => {
    const [{ message } = {}] = messages;
    if (message?.type !== "sweep" || message.task !== undefined) return push(...messages);
    return ++requests === 1 ? 0 : push(...messages, ...messages);
  };
  put("web", START);
  put("web", START + 2 * HOUR);
  await memory.advance(15 * MINUTE);
  expect(visitsOf()).toEqual([]);
  await memory.advance(4 * MINUTE);
  expect(visitsOf()).toEqual(pages.map(() => 1));
  await memory.advance(5 * HOUR);
  expect(requests).toBe(2);
});

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "X1-X5: rows come out, each once, while processes die and shards are split and merged, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("silent");
    const { memory, put, visitsOf } = begin({
      shards: 2,
      internalShards: 3,
      batchSize: 5,
      gateOf: () => dying(draws, 0.05),
    });
    put("web", START);
    put("web", START + 2 * HOUR);
    for (let second = 0; second < 120; second += 20) {
      await memory.advance(20 * SECOND);
      if (draws.chance(0.4)) reshard(memory.stage(draws.pick(["web", "by-page", "app"])).stream, draws);
    }
    await memory.advance(5 * HOUR);
    expect(visitsOf()).toEqual([...pages, ...pages].map(() => 1));
    expect(memory.delivered.get("late") ?? []).toEqual([]);
  },
);

test("a stage in between that nobody has written to is woken, and wakes those that it reads from", async () => {
  const behind = pipeline("behind", (flow) => {
    const page = { page: (visit: { readonly page: string }) => visit.page };
    const passed = (source: typeof web, name: string) =>
      flow
        .from(source)
        .keyBy(name, page)
        .process(`pass-${name}`, { onRecord: (visit) => [visit] });
    passed(web, "web-pages")
      .union("all", passed(app, "app-pages"))
      .keyBy("by-page", page)
      .window("hours", tumbling({ hours: 1 }))
      .aggregate({ visits: count() })
      .to(perHour);
  });
  const memory = new MemoryPipeline(behind, { start: CLOCK, shards: 2 });
  memory.put("web", { page: "page", at: START }, "page");
  memory.put("web", { page: "page", at: START + 2 * HOUR }, "page");
  await memory.advance(3 * MINUTE);
  expect(memory.rows("per_hour")).toEqual([]);
  await memory.advance(MINUTE + 5 * SECOND); // a minute for each of the two, and the source's time-out
  expect(memory.rows<Row>("per_hour")).toHaveLength(1);
});

test("broadcast: rules that were never written hold nobody back for long", async () => {
  const limited = pipeline("limited", (flow) => {
    const ruleOf = flow.from(app).broadcast("rule-of", { key: ({ page }) => page });
    flow
      .from(web)
      .keyBy("by-page", { page: (visit) => visit.page })
      .process("check", {
        broadcast: { ruleOf },
        onRecord: ({ page, at }, { broadcast }) => [{ page: `${page}: ${broadcast.ruleOf.values().length}`, at }],
      })
      .to(late);
  });
  const watermarks: number[] = [];
  const memory = new MemoryPipeline(limited, {
    start: CLOCK,
    onTurn: ({ task, watermark }) => void (task.includes(":by-page:") && watermarks.push(watermark)),
  });
  memory.put("web", { page: "page", at: START }, "page");
  await memory.advance(59 * SECOND);
  expect(watermarks.at(-1)).toBe(BEFORE_ALL_TIME);
  await memory.advance(2 * MINUTE + 2 * SECOND);
  expect(watermarks.at(-1)).toBeGreaterThan(BEFORE_ALL_TIME);
  memory.put("app", { page: "page", at: memory.now }, "page");
  await memory.run();
  memory.put("web", { page: "page", at: memory.now }, "page");
  await memory.run();
  expect(memory.rows<Row>("late").map(({ page }) => page)).toEqual(["page: 0", "page: 1"]);
});
