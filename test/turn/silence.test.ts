import { expect, test } from "vitest";
import { eventsPipeline, type SumRow } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const ARRIVAL = 1_000_000;

test("X12: however many ticks come in one silence, it counts once: the records' watermark plus the silence", async () => {
  const rig = new Rig(eventsPipeline({ idle: { minutes: 1 }, disorder: { seconds: 200 } }));
  rig.now = ARRIVAL;
  await rig.task().turn({ kind: "records", records: [record(1, { key: "a", time: 3, value: 1 })] });
  const recordWatermark = 3 - 200_000;
  const closing = 10 - recordWatermark;
  for (const silence of [60_000, 95_000, 140_000, closing - 1]) {
    rig.now = ARRIVAL + silence;
    await rig.task().turn({ kind: "tick", id: rig.ticks().at(-1)!.id });
    expect(rig.reports.at(-1)!.watermark).toBe(recordWatermark + silence);
    expect(rig.rows("sums")).toEqual([]);
  }
  rig.now = ARRIVAL + closing;
  await rig.task().turn({ kind: "tick", id: rig.ticks().at(-1)!.id });
  expect(rig.rows<SumRow>("sums")).toMatchObject([{ window_start: 0, events: 1 }]);
});

test("X12: silence is counted from the latest arrival, not from that of the last record", async () => {
  const rig = new Rig(eventsPipeline({ idle: { minutes: 1 }, disorder: { seconds: 200 } }));
  rig.now = ARRIVAL;
  const records = [ARRIVAL, ARRIVAL - 30_000].map((arrival, i) =>
    record(i + 1, { key: "a", time: 3, value: 1 }, { arrival }),
  );
  await rig.task().turn({ kind: "records", records });
  rig.now = ARRIVAL + 60_000;
  await rig.task().turn({ kind: "tick", id: rig.ticks()[0]!.id });
  expect(rig.reports.at(-1)!.watermark).toBe(3 - 200_000 + 60_000);
});
