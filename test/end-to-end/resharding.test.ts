import { createHash } from "node:crypto";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../localstack/random.ts";
import type { Shard } from "../../localstack/start/shard.ts";
import type { TaskStatus } from "millrace/lambda";
import type { Event } from "../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { Live, until } from "./live.ts";
import payments from "./resharding/pipeline.ts";

const T0 = Date.UTC(2024, 0, 1);
const KEYS = Array.from({ length: 40 }, (_, i) => `key-${i}`);
const BATCH = 50;
const DAY = 86_400_000;
const HALF = 2n ** 127n;

const faults = {
  seed: 1,
  killWorker: 0.15,
  repeatBatch: 0.1,
  cutBatch: 0.4,
  throttleTable: 0.03,
  loseTableAnswer: 0.05,
  failSink: 0.05,
  failSinkPartly: 0,
  repeatSink: 0.05,
  delaySink: 0,
  delayMillis: 0,
  throttleStream: 0,
  loseStreamAnswer: 0,
  earlyChild: 0.5,
};

/** An event and the shard that took it, in the order in which each shard took its own. */
interface Placed extends Event {
  readonly shard: string;
}

let live: Live;
let shards: readonly Shard[];
let tasks: readonly TaskStatus[];
const placed: Placed[] = [];

const random = seededRandom(7);

/** Puts events whose times move on by 20 ms each, and are up to four seconds behind: some are late. */
async function put(batches: number): Promise<void> {
  for (let batch = 0; batch < batches; batch++) {
    const events = Array.from({ length: BATCH }, (_, i): Event => ({
      key: KEYS[Math.floor(random() * KEYS.length)]!,
      time: T0 + (placed.length + i) * 20 - Math.floor(random() ** 4 * 4_000),
      value: 1 + Math.floor(random() * 9),
    }));
    const answers = await live.deployment.put(
      events.map((event) => ({ PartitionKey: event.key, Data: Buffer.from(JSON.stringify(event)) })),
    );
    placed.push(...events.map((event, i) => ({ ...event, shard: answers[i]!.ShardId! })));
  }
}

/** Carries a split or merge out while events go on coming, and resolves when the stream has other shards. */
async function whilePutting(reshard: (shards: readonly Shard[]) => Promise<void>): Promise<void> {
  const before = await live.deployment.source.shards();
  await Promise.all([put(5), reshard(before)]);
  await until(
    "the stream has other shards",
    async () => (await live.deployment.source.shards()).length > before.length,
  );
  await put(5);
}

beforeAll(async () => {
  live = await Live.start(payments, "test/end-to-end/resharding/handler.ts", {
    faults,
    props: {
      stream: { shards: 2 },
      mapping: { batchSize: 100, batchingWindow: { seconds: 0 } },
      function: { timeout: { seconds: 20 } },
    },
  });
  const { source } = live.deployment;
  const middle = ({ from, to }: Shard) => from + (to - from + 1n) / 2n;
  await put(5);
  await whilePutting(([lower]) => source.split(lower!, middle(lower!))); // into 2 and 3
  await whilePutting((all) => source.merge(all[3]!, all[1]!)); // of different parents, into 4
  await whilePutting((all) => source.split(all[4]!, HALF)); // the merged one, into 5 and 6
  await live.committed(90);
  tasks = await live.drain();
  shards = await live.deployment.source.shards();
}, 180_000);
afterAll(() => live?.stop());

/** The shards that take a key, one after the other. */
function pathOf(key: string): readonly string[] {
  const hash = BigInt(`0x${createHash("md5").update(key).digest("hex")}`);
  return shards.filter(({ from, to }) => from <= hash && hash <= to).map(({ id }) => id);
}

/** What must come of it: a key's watermark is moved by all that the shards on its way took, before it. */
function expected() {
  const paths = new Map<string, string[]>();
  for (const key of KEYS) paths.set(pathOf(key).join(), [...(paths.get(pathOf(key).join()) ?? []), key]);
  return [...paths].map(([path, keys]) => {
    const events = path.split(",").flatMap((shard) => placed.filter((event) => event.shard === shard));
    const { windows, late } = naiveWindows(events, { disorder: 2_000, lateness: 0, size: 1_000 });
    const isOwn = ({ key }: { readonly key: string }) => keys.includes(key);
    return { path, windows: windows.filter(isOwn), late: late.filter(isOwn) };
  });
}

const instant = (text: unknown): number => Date.parse(`${String(text).replace(" ", "T")}Z`);

describe("a stream whose shards are split and merged under load, while workers are killed", () => {
  test("it went as it was meant to: a split, a merge of two different parents, a split of the merged one", () => {
    expect(shards.map(({ parents }) => parents.map((id) => Number(id.slice(-3))))).toEqual([
      [],
      [],
      [0],
      [0],
      [3, 1],
      [4],
      [4],
    ]);
    const { killWorker, earlyChild } = live.stack.injected();
    expect(killWorker).toBeGreaterThan(0);
    expect(earlyChild).toBeGreaterThan(0);
    // Windows that were open across a resharding: without inheritance each would come in two parts.
    const shardsOf = new Map<string, Set<string>>();
    for (const { key, time, shard } of placed) {
      const window = `${key} ${Math.floor(time / 1_000)}`;
      shardsOf.set(window, (shardsOf.get(window) ?? new Set()).add(shard));
    }
    expect([...shardsOf.values()].filter(({ size }) => size > 1).length).toBeGreaterThan(10);
  });

  test("windows are exact to the row", async () => {
    const rows = (await live.rows("totals")).map((row) => ({
      key: row["key"],
      start: instant(row["window_start"]),
      events: Number(row["events"]),
      total: Number(row["total"]),
    }));
    const windows = expected().flatMap((part) => part.windows);
    expect(sorted(rows)).toEqual(
      sorted(windows.map(({ key, window_start: start, events, total }) => ({ key, start, events, total }))),
    );
  });

  test("late records are those whose key's own shards had closed their window, and no others", async () => {
    const rows = (await live.rows("missed")).map((row) => ({
      key: row["key"],
      time: instant(row["time"]),
      value: Number(row["value"]),
    }));
    const late = expected().flatMap((part) => part.late);
    expect(late.length).toBeGreaterThan(10);
    expect(sorted(rows)).toEqual(sorted(late.map(({ key, time, value }) => ({ key, time, value }))));
  });

  test("every record is accounted for, over all tasks; those of closed shards are sealed", () => {
    const total = (name: string, field: "in" | "folded" | "late") =>
      tasks.reduce((sum, { counters }) => sum + (counters.get(name)?.[field] ?? 0), 0);
    expect(total("payments", "in")).toBe(placed.length);
    expect(total("per-second", "folded") + total("per-second", "late")).toBe(placed.length);
    expect(tasks.map(({ sealed }) => sealed)).toEqual(shards.map(({ isOpen }) => !isOpen));
  });
});

describe("X11: after it", () => {
  test("the schedule has every shard's task looked after, those of closed shards too", async () => {
    live.stack.calm();
    // Every turn counts its records, be they none.
    const turns = () =>
      live.stack
        .metrics()
        .filter(({ name }) => name === "RecordsIn")
        .reduce((sum, { count }) => sum + count, 0);
    const before = turns();
    await live.stack.runSchedules();
    await until("every task has had a turn", () => turns() >= before + shards.length);
  });

  test("commits expire 30 days after they were written, by the attribute that the table's template names", async () => {
    expect(await live.stack.expireItems(Date.now() + 29 * DAY)).toBe(0);
    expect(await live.stack.expireItems(Date.now() + 31 * DAY)).toBeGreaterThan(shards.length);
  });
});
