import { expect, test } from "vitest";
import { poisonError } from "../../lib/errors.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { RecordDecoder } from "../../lib/runtime/record.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { BEFORE_ALL_TIME } from "../../lib/time/instant.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { CrashPoint, type CrashKind } from "../support/crashing.ts";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { Rig } from "../support/rig.ts";
import { Shards } from "../support/shards.ts";

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

const nothingReadable: RecordDecoder = () => {
  throw poisonError({ code: "test/broken", message: "Cannot." });
};

const messageOf = (letter: DeadLetter): ControlMessage => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

/** A stream whose root shard holds every key once as a dead letter, beside `readable` records that were folded. */
async function withLetters({ readable }: { readonly readable: boolean }) {
  const rig = new Rig(eventsPipeline());
  const shards = new Shards(rig);
  const [root] = shards.open as [string];
  if (readable) {
    for (const key of KEYS) shards.put({ key, time: 1, value: 1 });
    await shards.read(root);
  }
  const sequence = (await rig.header(root))?.position.sequence ?? "";
  for (const key of KEYS) shards.put({ key, time: 2, value: 1 });
  await rig.process({ decode: nothingReadable }).records(root, shards.unread(root, sequence));
  expect(rig.deadLetters()).toHaveLength(KEYS.length);
  return { rig, shards, root, events: readable ? 2 : 1 };
}

async function redriveAll(rig: Rig): Promise<void> {
  for (const letter of rig.deadLetters()) await rig.process().control(messageOf(letter));
}

/** Every key has one row with so many events. */
async function check(rig: Rig, shards: Shards, events: number): Promise<void> {
  for (const id of shards.open) await rig.process().control({ type: "drain", task: taskName(rig.idOf(id)) });
  const rows = rig.rows<SumRow>("sums").map((row) => [row.key, row.events]);
  expect(rows.toSorted()).toEqual(KEYS.map((key) => [key, events]));
  expect(rig.rows("late")).toEqual([]);
}

for (const readable of [true, false]) {
  const kind = readable ? "a shard with open windows" : "a shard that has had nothing but dead letters";

  test(`${kind} is split before the redrive: each letter is folded by the child of its key`, async () => {
    const { rig, shards, root, events } = await withLetters({ readable });
    const children = shards.split(root);
    const sweep = { type: "sweep", task: taskName(rig.idOf(children[0])) } as const;
    await rig.process().control(sweep); // seals the root; the other child begins with its first letter
    await redriveAll(rig);
    for (const child of children) expect((await rig.header(child))!.watermark).not.toBe(BEFORE_ALL_TIME);
    await check(rig, shards, events);
  });

  test(`${kind} is split, split again and merged, with duplicates of the redrives at every step`, async () => {
    const { rig, shards, root, events } = await withLetters({ readable });
    await redriveAll(rig);
    const [low, high] = shards.split(root);
    await redriveAll(rig);
    const [lower] = shards.split(low);
    for (const id of shards.open) await rig.process().control({ type: "sweep", task: taskName(rig.idOf(id)) });
    await redriveAll(rig);
    shards.merge(lower, high);
    await redriveAll(rig);
    await check(rig, shards, events);
  });
}

test("what was redriven in vain is known to the heirs of a shard without event time", async () => {
  const { rig, shards, root } = await withLetters({ readable: false });
  const letters = rig.deadLetters();
  for (const letter of letters) await rig.process({ decode: nothingReadable }).control(messageOf(letter));
  expect((await rig.header(root))!.watermark).toBe(BEFORE_ALL_TIME);
  const [child] = shards.split(root);
  await rig.process().control({ type: "sweep", task: taskName(rig.idOf(child)) }); // seals the root
  for (const letter of letters) await rig.process().control(messageOf(letter));
  expect(rig.reports.filter(({ trigger, folded }) => trigger === "redrive" && folded > 0)).toHaveLength(KEYS.length);
  for (const letter of rig.deadLetters().slice(KEYS.length)) await rig.process().control(messageOf(letter));
  await check(rig, shards, 1);
});

test("ids that were forgotten on one side of a merge hold up no floor of the other", async () => {
  const { rig, shards, root, events } = await withLetters({ readable: true });
  await redriveAll(rig);
  const [low, high] = shards.split(root);
  rig.now += 61 * 24 * 3_600_000;
  await rig.process().control({ type: "sweep", task: taskName(rig.idOf(low)) });
  await rig.process().control({ type: "sweep", task: taskName(rig.idOf(low)) });
  const merged = shards.merge(low, high);
  await rig.process().control({ type: "sweep", task: taskName(rig.idOf(merged)) });
  for (const key of KEYS) shards.put({ key, time: 3, value: 1 });
  await shards.read(merged);
  expect((await rig.header(merged))!.floors).toEqual([]);
  await check(rig, shards, events + 1);
});

test("a letter waits while the heir's other parent holds records, and is not lost", async () => {
  const { rig, shards, root, events } = await withLetters({ readable: true });
  const [low, high] = shards.split(root);
  for (const key of KEYS) shards.put({ key, time: 3, value: 1 });
  shards.merge(low, high);
  const letters = rig.deadLetters();
  await shards.read(low); // seals the root; the merged shard's other parent is unread
  for (const letter of letters) await rig.process().control(messageOf(letter));
  await shards.read(high);
  for (const letter of letters) await rig.process().control(messageOf(letter));
  await check(rig, shards, events + 1);
});

for (const kind of ["before", "after", "zombie"] as const satisfies readonly CrashKind[]) {
  test(`a redrive that goes on to a child is killed ${kind} each of its awaits, the parent's sealing included`, async () => {
    let points = 0;
    for (let at = 0; ; at++) {
      const { rig, shards, root, events } = await withLetters({ readable: true });
      shards.split(root);
      for (const id of shards.open) await rig.process().control({ type: "sweep", task: taskName(rig.idOf(id)) });
      for (const id of shards.open.slice(0, 1)) shards.split(id);
      const crash = new CrashPoint(at, kind);
      const dying = rig.process(crash.options);
      for (const letter of rig.deadLetters().slice(0, 3)) {
        await dying.control(messageOf(letter), 2).catch((thrown: unknown) => {
          if (!crash.crashed) throw thrown;
        });
      }
      await redriveAll(rig);
      await crash.land();
      await redriveAll(rig);
      await check(rig, shards, events);
      if (!crash.crashed) break;
      points++;
    }
    expect(points).toBeGreaterThan(15);
  });
}
