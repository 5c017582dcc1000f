import {
  bigint,
  count,
  lake,
  pipeline,
  sliding,
  text,
  timestamp,
  tumbling,
  type Pipeline,
  type WindowAssigner,
} from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { hashOf } from "../../lib/state/hash-range.ts";
import { Rig } from "../support/rig.ts";
import { Shards } from "../support/shards.ts";
import { eventsOf } from "./events.ts";

const source = eventsOf(z.object({ key: z.string(), time: z.number() }), 0);

const version = (assigner: WindowAssigner, name: string, was: readonly string[], lateness: number): Pipeline =>
  pipeline("merging", (flow) => {
    flow
      .from(source)
      .byKey.window(name, assigner as never, { was, allowedLateness: { millis: lateness } })
      .aggregate({ events: count() })
      .to(lake("rows", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint }) as never);
  });

/** Keys of the lower and of the upper half of all hashes. */
const keyIn = (half: (digit: number) => boolean): string =>
  Array.from({ length: 100 }, (_, i) => `key-${i}`).find((key) => half(Number.parseInt(hashOf(key)[0]!, 16)))!;
const ahead = keyIn((digit) => digit < 8);
const behind = keyIn((digit) => digit >= 8);

interface Row {
  readonly key: string;
  readonly window_end: number;
  readonly events: number;
}

/**
 * One shard is far ahead of the other when they are merged; then the windows have another name, and all the lateness in the
 * world: only what the range's floor says of the windows themselves keeps those closed that were.
 */
async function merged(assigner: WindowAssigner, late: number) {
  const rig = new Rig(version(assigner, "w", [], 0));
  const shards = new Shards(rig);
  const [low, high] = shards.split(shards.open[0]!);
  const put = (key: string, time: number) => shards.put({ key, time } as never);
  for (const time of [60, 80, 100]) put(ahead, time);
  put(behind, 5);
  for (const shard of rig.partitions.map(({ id }) => id)) await shards.read(shard);
  const heir = shards.merge(low, high);
  put(behind, 6);
  await shards.read(heir);
  const floors = (await rig.header(heir))!.floors;
  expect(floors.map(({ watermark }) => watermark)).toEqual([100]);
  const before = rig.rows<Row>("rows").filter(({ key }) => key === ahead);
  rig.deploy(version(assigner, "windows", ["w"], 1_000_000), "build-2");
  put(ahead, late);
  await shards.read(heir);
  const names = new Set((await rig.header(heir))!.floors.flatMap(({ tables }) => Object.keys(tables)));
  await rig.task({ partition: heir }).turn({ kind: "drain" });
  const rows = rig.rows<Row>("rows").filter(({ key }) => key === ahead);
  return { before, rows, names, counters: await rig.counters(heir) };
}

const ends = (rows: readonly Row[]) => rows.map(({ window_end, events }) => [window_end, events]);

test("a window that was closed before a merge stays closed under its new name, whatever lateness it has now", async () => {
  const { before, rows, names, counters } = await merged(tumbling({ millis: 20 }), 70);
  expect(ends(before)).toEqual([
    [80, 1],
    [100, 1],
  ]);
  expect(ends(rows)).toEqual([...ends(before), [120, 1]]);
  expect(counters.get("windows")).toMatchObject({ late: 1 });
  expect([...names]).toEqual(["windows"]);
});

test("so does one over what precedes a record, while the record is in windows that are open", async () => {
  const { before, rows, names, counters } = await merged(sliding({ preceding: { millis: 25 } }), 80);
  expect(ends(before)).toEqual([
    [61, 1],
    [81, 2],
  ]);
  expect(ends(rows)).toEqual([...ends(before), [101, 3]]);
  expect(counters.get("windows")).toMatchObject({ late: 0 });
  expect([...names].sort()).toEqual(["windows", "windows$pending"]);
});
