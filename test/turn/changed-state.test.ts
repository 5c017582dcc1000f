import { bigint, count, custom, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { event, type Event } from "../support/events-pipeline.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { record, Rig, SMALL_LIMITS, type RigOptions } from "../support/rig.ts";

interface Version {
  readonly window?: string;
  readonly size?: number;
  readonly accumulator?: number;
  /** The largest accumulator that the schema takes. */
  readonly largest?: number;
}

/** One pipeline as it changes from deployment to deployment. */
const deployed = ({ window = "tens", size = 10, accumulator = 1, largest = 100 }: Version = {}) =>
  pipeline("changing", (flow) => {
    const events = kinesis("events", {
      schema: event,
      key: { key: (e) => e.key },
      eventTime: (e) => e.time,
      disorder: {},
      idle: "never",
      maxFuture: "unbounded",
    });
    const most = custom<Event, number, number>({
      state: z.number().max(largest),
      init: () => 0,
      add: (a, e) => Math.max(a, e.value),
      merge: Math.max,
      result: (a) => a,
      version: accumulator,
    });
    flow
      .from(events)
      .byKey.window(window, tumbling({ millis: size }))
      .aggregate({ events: count(), most })
      .to(lake("out", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint, most: bigint }));
  });

const one = (sequence: number, key = `k${sequence % 40}`) => record(sequence, { key, time: 5, value: 50 });

/** What the first deployment leaves behind, and where its state lies. */
const LEFT: Readonly<Record<string, (rig: Rig) => Promise<void>>> = {
  "in a whole commit": async (rig) => {
    await rig.task().turn({ kind: "records", records: [one(1), one(2)] });
  },
  "in a log": async (rig) => {
    await rig.task().turn({ kind: "records", records: Array.from({ length: 40 }, (_, i) => one(i + 1)) });
    await rig.task().turn({ kind: "records", records: [one(41)] });
  },
  "in a checkpoint with nothing after it": async (rig) => {
    await rig.task().turn({ kind: "records", records: Array.from({ length: 40 }, (_, i) => one(i + 1)) });
    for (let sequence = 41; !rig.reports.at(-1)!.checkpointed; sequence++)
      await rig.task({ limits: SMALL_LIMITS }).turn({ kind: "records", records: [one(sequence)] });
    for (let epoch = 1; epoch < rig.reports.at(-1)!.epoch; epoch++) rig.changelog.forget(taskName(rig.idOf()), epoch);
  },
};

describe("X10: state that another pipeline wrote is not folded into; the task stops and says whose it is", () => {
  for (const [where, leave] of Object.entries(LEFT)) {
    const next = async (version: Version) => {
      const before = new Rig(deployed());
      await leave(before);
      const options: RigOptions = { wrapChangelog: () => before.changelog, wrapObjects: () => before.objects };
      return { before, task: new Rig(deployed(version)).task(options) };
    };
    const records = [one(1_000)];

    test(`another window size, ${where}`, async () => {
      const { task } = await next({ size: 20 });
      await expect(task.turn({ kind: "records", records })).rejects.toMatchObject({
        kind: "systemic",
        code: "state/shape",
        message: expect.stringContaining('operator "tens"'),
      });
    });

    test(`another version of an aggregate, ${where}`, async () => {
      const { task } = await next({ accumulator: 2 });
      await expect(task.turn({ kind: "records", records })).rejects.toMatchObject({
        kind: "systemic",
        code: "state/shape",
        message: expect.stringMatching(/operator "tens".*custom\/1.*custom\/2/),
      });
    });

    test(`an operator that is gone, ${where}`, async () => {
      const { task } = await next({ window: "other" });
      await expect(task.turn({ kind: "records", records })).rejects.toMatchObject({
        kind: "systemic",
        code: "state/shape",
        message: expect.stringMatching(/operator "tens".*no such operator/),
      });
    });

    test(`an accumulator that its schema refuses, ${where}`, async () => {
      const { task } = await next({ largest: 49 });
      await expect(task.turn({ kind: "records", records })).rejects.toMatchObject({
        kind: "systemic",
        code: "state/accumulator",
        message: expect.stringMatching(/operator "tens".*"most"/),
      });
    });

    test(`the pipeline as it was goes on, ${where}`, async () => {
      const { task, before } = await next({});
      await task.turn({ kind: "records", records });
      expect((await before.counters()).get("tens")!.folded).toBe(before.reports.reduce((n, r) => n + r.folded, 1));
    });
  }
});

test("X10: what another build's accumulators are is found out although none of them is touched", async () => {
  const rig = new Rig(deployed());
  const small = record(1, { key: "small", time: 5, value: 5 });
  const options: RigOptions = { limits: SMALL_LIMITS };
  await rig.task(options).turn({ kind: "records", records: [small, record(2, { key: "large", time: 5, value: 50 })] });
  await rig.task(options).turn({ kind: "records", records: [record(3, { key: "large", time: 5, value: 50 })] });
  expect(rig.reports.at(-1)!.checkpointed).toBe(true);
  const { epoch } = rig.reports.at(-1)!;
  rig.deploy(deployed({ largest: 10 }), "build-2");
  const turn = rig.task(options).turn({ kind: "records", records: [record(4, { key: "small", time: 5, value: 6 })] });
  await expect(turn).rejects.toMatchObject({ kind: "systemic", code: "state/accumulator" });
  // The build that takes them goes on, and the next one is told nothing any more.
  rig.deploy(deployed({ largest: 99 }), "build-3");
  await rig.task().turn({ kind: "records", records: [record(4, { key: "small", time: 5, value: 6 })] });
  expect(rig.reports.at(-1)).toMatchObject({ epoch: epoch + 1, folded: 1, checkpointed: true });
});
