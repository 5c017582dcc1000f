import { expect, test } from "vitest";
import { poisonError } from "../../lib/errors.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { CrashPoint, type CrashKind } from "../support/crashing.ts";
import { overriding } from "../support/overriding.ts";
import { Rig } from "../support/rig.ts";
import { Shards } from "../support/shards.ts";

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Every key once. */
function putAll(shards: Shards, time: number): void {
  for (const key of KEYS) shards.put({ key, time, value: 1 });
}

async function drain(rig: Rig, shards: Shards): Promise<void> {
  for (const id of shards.open) {
    await rig.process().control({ type: "drain", task: taskName(rig.idOf(id)) });
  }
}

/** Events per key and window, and how many rows say so. */
const totals = (rig: Rig) =>
  Object.fromEntries(
    rig
      .rows<SumRow>("sums")
      .map(({ key, window_start, events }) => [`${key} ${window_start}`, events] as const)
      .toSorted(([a], [b]) => (a < b ? -1 : 1)),
  );

const each = (events: number, ...starts: number[]) =>
  Object.fromEntries(KEYS.flatMap((key) => starts.map((start) => [`${key} ${start}`, events] as const)).toSorted());

test("a split: open windows go on with the child that takes their key, and every row is whole", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  await shards.read(root!);
  const children = shards.split(root!);
  putAll(shards, 2);
  for (const child of children) await shards.read(child);
  await drain(rig, shards);
  expect(totals(rig)).toEqual(each(2, 0));
  expect(rig.rows("sums")).toHaveLength(KEYS.length);
});

test("a child's records wait until the parent's own mapping has folded all of the parent's", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  const [first, second] = shards.split(root!);
  putAll(shards, 2);
  await expect(shards.read(first)).rejects.toMatchObject({ code: "reshard/parent-not-done", kind: "infrastructure" });
  expect(await rig.header(first)).toBeUndefined();
  await shards.read(root!);
  await shards.read(first);
  await shards.read(second);
  await drain(rig, shards);
  expect(totals(rig)).toEqual(each(2, 0));
});

test("a merge of two that are not equally far: what the one had closed stays closed, what the other has is open", async () => {
  const rig = new Rig(eventsPipeline({ disorder: {} }));
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  await shards.read(root!);
  const [low, high] = shards.split(root!);
  const keysOf = new Map<string, string[]>();
  for (const key of KEYS) {
    const id = shards.put({ key, time: 3, value: 1 });
    keysOf.set(id, [...(keysOf.get(id) ?? []), key]);
  }
  // One child's event time runs ahead: its first window closes.
  const ahead = keysOf.get(low)![0]!;
  shards.put({ key: ahead, time: 25, value: 1 });
  await shards.read(low);
  await shards.read(high);
  expect(Object.keys(totals(rig)).toSorted()).toEqual(keysOf.get(low)!.map((key) => `${key} 0`));
  const merged = shards.merge(low, high);
  putAll(shards, 4); // late for the keys that ran ahead, in time for the others
  await shards.read(merged);
  expect(rig.rows("late")).toHaveLength(keysOf.get(low)!.length);
  shards.put({ key: ahead, time: 40, value: 1 });
  await shards.read(merged);
  expect((await rig.header(merged))!.floors).toEqual([]); // the task itself has come as far
  await drain(rig, shards);
  const late = new Set(keysOf.get(low));
  expect(totals(rig)).toEqual({
    ...Object.fromEntries(KEYS.map((key) => [`${key} 0`, late.has(key) ? 2 : 3])),
    [`${ahead} 20`]: 1,
    [`${ahead} 40`]: 1,
  });
});

test("X12: what an heir owes to a parent's silence moves event time by a tick, and not by a record that is behind", async () => {
  const rig = new Rig(eventsPipeline({ disorder: {}, idle: { millis: 100 } }));
  const shards = new Shards(rig);
  const [low, high] = shards.split(shards.open[0]!);
  const keyIn = (id: string) => KEYS.find((key) => shards.put({ key, time: 3, value: 1 }) === id)!;
  const ahead = keyIn(high);
  keyIn(low);
  await shards.read(low);
  rig.now += 1_000; // one is silent, the other goes on
  shards.put({ key: ahead, time: 25, value: 1 });
  await shards.read(high);
  const merged = shards.merge(low, high);
  shards.put({ key: ahead, time: 20, value: 1 });
  await shards.read(merged);
  expect(await rig.header(merged)).toMatchObject({ watermark: 3, recordWatermark: 25 });
  shards.put({ key: ahead, time: 26, value: 1 });
  await shards.read(merged);
  expect(await rig.header(merged)).toMatchObject({ watermark: 26, recordWatermark: 26 });
});

test("X11: a dead letter of a sealed task finds its heir, long after the sealed task's commits have expired", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  const broken = rig.process({
    decode: (record) => {
      if (record.position.sequence === "1") throw poisonError({ code: "test/broken", message: "not yet" });
      return rig.decode(record);
    },
  });
  await broken.records(root!, shards.unread(root!, ""));
  const [letter] = rig.deadLetters();
  const children = shards.split(root!);
  putAll(shards, 2);
  for (const child of children) await shards.read(child);
  shards.unlist(root!);
  for (let weeks = 0; weeks < 7; weeks++) {
    rig.now += 7 * 24 * 3_600_000;
    for (const child of children) await rig.process().control({ type: "sweep", task: taskName(rig.idOf(child)) });
    rig.changelog.expire(rig.now);
  }
  for (let times = 0; times < 2; times++) {
    await rig.process().control({ type: "redrive", task: letter!.task, letter: letter! });
  }
  await drain(rig, shards);
  expect(totals(rig)).toEqual(each(2, 0));
});

test("a split of a merge, with a shard that never had a record in between", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  const [low, high] = shards.split(root!);
  const [lowest, lower] = shards.split(low); // never had a record: its parent's state must reach its children
  putAll(shards, 2);
  const merged = shards.merge(lower, high);
  const [one, other] = shards.split(merged);
  putAll(shards, 3);
  for (const id of [root!, lowest, high, lower, one, other]) await shards.read(id);
  await drain(rig, shards);
  expect(totals(rig)).toEqual(each(3, 0));
  expect(rig.rows("sums")).toHaveLength(KEYS.length);
});

test("epochs rise along the lineage, and a sealed changelog has ended", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  const [root] = shards.open;
  for (let i = 0; i < 3; i++) {
    putAll(shards, i);
    await shards.read(root!);
  }
  const [child] = shards.split(root!);
  putAll(shards, 4);
  await shards.read(child);
  const sealed = (await rig.header(root))!;
  expect(sealed).toMatchObject({ epoch: 4, sealed: [{ partition: child }, {}] });
  expect((await rig.header(child))!.epoch).toBe(5);
  // A zombie of the parent's with a record nobody can have put.
  shards.unlist(root!);
  const zombie = { ...shards.unread(root!, "")[0]!, position: { sequence: "99", index: 0 } };
  await expect(rig.process().records(root!, [zombie])).rejects.toMatchObject({ code: "reshard/after-seal" });
  for (const type of ["drain", "sweep"] as const) {
    await rig.process().control({ type, task: taskName(rig.idOf(root)) });
  }
  expect((await rig.header(root))!.epoch).toBe(4);
});

test("X12: a child that never gets a record closes what it inherited, by the seal's first tick", async () => {
  const rig = new Rig(eventsPipeline({ idle: { minutes: 1 } }));
  const shards = new Shards(rig);
  rig.now = 5_000_000;
  putAll(shards, 1);
  const [root] = shards.open;
  await shards.read(root!);
  const children = shards.split(root!);
  shards.put({ key: "a", time: 2, value: 1 });
  for (const child of children) await shards.read(child); // only one of them has something to read
  for (let round = 0; round < 3; round++) {
    for (const tick of rig.ticks()) {
      rig.now = Math.max(rig.now, tick.at);
      await rig.process().control(tick);
    }
    rig.now += 60_000;
  }
  expect(totals(rig)).toEqual({ ...each(1, 0), "a 0": 2 });
});

test("a parent that is listed no more and has no commits leaves nothing, and says so", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  const [root] = shards.open;
  const [child] = shards.split(root!);
  shards.unlist(root!);
  putAll(shards, 1);
  await shards.read(child);
  expect(rig.notices.join()).toContain("listed no more");
  expect((await rig.header(child))!.epoch).toBe(2);
});

test("what a lineage holds reaches its heirs, although the source has forgotten all between them", async () => {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  putAll(shards, 1);
  const [root] = shards.open;
  // The root's head cannot be delivered for longer than the source lists its shard.
  putAll(shards, 50);
  const down = overriding(rig.sinks.get("sums")!, { deliver: () => Promise.reject(new Error("down")) });
  const process = () => rig.process({ wrapSink: (name, sink) => (name === "sums" ? down : sink) });
  await expect(process().records(root!, shards.unread(root!, ""))).rejects.toThrow("down");
  const [low, high] = shards.split(root!);
  for (const id of [low, high]) {
    await expect(process().control({ type: "sweep", task: taskName(rig.idOf(id)) })).rejects.toThrow("down");
  }
  const children = [...shards.split(low), ...shards.split(high)];
  for (const id of [root!, low, high]) shards.unlist(id);
  putAll(shards, 51);
  for (const child of children) await shards.read(child);
  await drain(rig, shards);
  expect(totals(rig)).toEqual({ ...each(1, 0), ...each(2, 50) });
  expect(rig.rows("sums")).toHaveLength(2 * KEYS.length);
  expect((await rig.header(children[0]))!.epoch).toBeGreaterThan((await rig.header(root))!.epoch);
});

test("a key outside of its shard's range becomes a dead letter: its state would be left behind by a split", async () => {
  const rig = new Rig(eventsPipeline({ share: 1 }));
  const shards = new Shards(rig);
  const [low, high] = shards.split(shards.open[0]!);
  const shardOf = new Map(KEYS.map((key) => [key, shards.put({ key, time: 1, value: 1 })]));
  const stray = KEYS.find((key) => shardOf.get(key) === high)!;
  const misplaced = shards.unread(high, "").find(({ partitionKey }) => partitionKey === stray)!;
  await rig.process().records(low, [misplaced]);
  expect(rig.deadLetters()).toMatchObject([{ reason: { code: "source/key-range" } }]);
});

test.each(["before", "after", "zombie"] satisfies CrashKind[])(
  "X1–X5: a child killed %s each await of its first turn, its parents' sealing included",
  async (kind) => {
    let crashes = 0;
    for (let at = 0; ; at++) {
      const rig = new Rig(eventsPipeline({ idle: { minutes: 1 } }));
      const shards = new Shards(rig);
      putAll(shards, 1);
      const [root] = shards.open;
      await shards.read(root!);
      const [low, high] = shards.split(root!);
      putAll(shards, 2);
      await shards.read(low);
      await shards.read(high);
      const merged = shards.merge(low, high);
      putAll(shards, 3);
      const crash = new CrashPoint(at, kind);
      const records = shards.unread(merged, "");
      await rig
        .process(crash.options)
        .records(merged, records)
        .catch(() => undefined);
      await shards.read(merged);
      await crash.land();
      await shards.read(merged);
      await drain(rig, shards);
      expect(totals(rig)).toEqual(each(3, 0));
      expect(rig.rows("sums")).toHaveLength(KEYS.length);
      if (!crash.crashed) break;
      crashes++;
    }
    expect(crashes).toBeGreaterThan(8);
  },
);
