import { expect, test } from "vitest";
import { InterruptedDelivery, type SinkWriter } from "../../lib/runtime/sink-writer.ts";
import { DEAD_LETTERS } from "../../lib/runtime/dead-letter.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { record, Rig, type RigOptions } from "../support/rig.ts";

const KEYS = Array.from({ length: 100 }, (_, i) => `k${String(i).padStart(2, "0")}`);
/** A hundred keys, and a record that closes all their windows at once. */
const RECORDS = [...KEYS, "z"].map((key, i) => record(i + 1, { key, time: key === "z" ? 90 : 1, value: 1 }));

/** A sink that takes a few rows at a time, then is throttled. */
const taking =
  (few: number): RigOptions["wrapSink"] =>
  (name, sink): SinkWriter => {
    if (name !== "sums") return sink;
    return {
      deliver: async (items) => {
        await sink.deliver(items.slice(0, few));
        if (items.length > few) throw new InterruptedDelivery(few, new Error("throttled"));
        return [];
      },
    };
  };

test("X5: a large head gets through a sink that takes few rows at a time, each row once, whatever process tries", async () => {
  const rig = new Rig(eventsPipeline());
  let turns = 0;
  for (let done = false; !done; turns++) {
    done = await rig
      .task({ wrapSink: taking(7)! })
      .turn({ kind: "records", records: RECORDS })
      .then(
        () => true,
        () => false,
      );
    expect(turns).toBeLessThan(20);
  }
  expect(turns).toBe(Math.ceil(100 / 7));
  expect(rig.sinks.get("sums")!.received.map(({ id }) => id)).toEqual([...rig.sinks.get("sums")!.distinct().keys()]);
  expect(rig.rows("sums")).toHaveLength(100);
});

test("X5: progress of one commit says nothing of the next", async () => {
  const rig = new Rig(eventsPipeline());
  const options = { wrapSink: taking(60)! };
  await expect(rig.task(options).turn({ kind: "records", records: RECORDS })).rejects.toThrow("throttled");
  await rig.task(options).turn({ kind: "records", records: RECORDS });
  const next = KEYS.map((key, i) => record(200 + i, { key, time: 91, value: 1 }));
  const close = record(400, { key: "z", time: 200, value: 1 });
  await expect(rig.task(options).turn({ kind: "records", records: [...next, close] })).rejects.toThrow("throttled");
  await rig.task(options).turn({ kind: "records", records: [close] });
  expect(rig.rows("sums")).toHaveLength(100 + 101);
});

test("X7: what was refused before the interruption becomes a dead letter, and none of it twice", async () => {
  const rig = new Rig(eventsPipeline({ share: 1 }));
  let isInterrupted = true;
  const options: RigOptions = {
    wrapSink: (name, sink) => {
      if (name !== "sums") return sink;
      return {
        deliver: async (items) => {
          const few = isInterrupted ? items.slice(0, 50) : items;
          await sink.deliver(few.slice(1));
          const refusals = [{ delivery: few[0]!, message: "no" }];
          if (!isInterrupted) return refusals;
          isInterrupted = false;
          throw new InterruptedDelivery(50, new Error("throttled"), refusals);
        },
      };
    },
  };
  await expect(rig.task(options).turn({ kind: "records", records: RECORDS })).rejects.toThrow("throttled");
  await rig.task(options).turn({ kind: "records", records: RECORDS });
  expect(rig.rows("sums")).toHaveLength(98);
  expect(rig.sinks.get(DEAD_LETTERS)!.received.map(({ id }) => id.replace(/.*@/, "@"))).toEqual([
    "@1#0!refused",
    "@1#50!refused",
  ]);
});
