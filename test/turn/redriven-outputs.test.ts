import { expect, test } from "vitest";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, type RigOptions } from "../support/rig.ts";

const messageOf = (letter: DeadLetter): ControlMessage => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

/** A task whose one row was refused by its sink for good. */
async function withRefused(): Promise<{ readonly rig: Rig; readonly letter: DeadLetter }> {
  const rig = new Rig(eventsPipeline());
  const refusing: RigOptions = {
    wrapSink: (name, sink) =>
      name === "sums" ? { deliver: async (items) => items.map((delivery) => ({ delivery, message: "no" })) } : sink,
  };
  await rig.task(refusing).turn({ kind: "records", records: [record(1, { key: "a", time: 1, value: 1 })] });
  await rig.task(refusing).turn({ kind: "drain" });
  const [letter] = rig.deadLetters();
  expect(letter).toMatchObject({ kind: "output", operator: "sums" });
  expect(rig.rows("sums")).toEqual([]);
  return { rig, letter: letter! };
}

test("X7: an output is no record: when its redrive has killed three times, no record counts as dead", async () => {
  const { rig, letter } = await withRefused();
  const before = await rig.counters();
  const dying: RigOptions = {
    wrapChangelog: (inner) =>
      overriding(inner, {
        append: () => Promise.reject(new Error("dead")),
        endTrial: () => Promise.reject(new Error("dead")),
      }),
  };
  for (let receives = 2; receives < 5; receives++) {
    await expect(rig.process(dying).control(messageOf(letter), receives)).rejects.toThrow("dead");
  }
  await rig.process().control(messageOf(letter), 5);
  const [, again] = rig.deadLetters();
  expect(again).toMatchObject({ kind: "output", reason: { code: "process/killed" }, output: letter.output });
  expect(await rig.counters()).toEqual(before);
  await rig.process({ build: "mended" }).control(messageOf(again!));
  expect(rig.rows("sums")).toHaveLength(1);
});
