import { expect, test } from "vitest";
import { taskName } from "../../lib/state/task-id.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SHARD, SMALL_LIMITS } from "../support/rig.ts";

const DAY = 24 * 3_600_000;
const at = (sequence: number, time: number, arrival: number) =>
  record(sequence, { key: `k${sequence % 7}`, time, value: 1 }, { arrival });

/** What the schedule sends, and what comes of it. */
async function sweep(rig: Rig): Promise<void> {
  const before = rig.rows("$ticks").length;
  await rig.process().control({ type: "sweep" });
  const messages = rig.sinks
    .get("$ticks")!
    .received.slice(before)
    .map(({ body }) => JSON.parse(body) as { type: string });
  for (const message of messages) if (message.type === "sweep") await rig.process().control(message as never);
  rig.sinks.get("$ticks")!.received.length = before;
}

test("X11: an idle tail is checkpointed long before its commits expire, and the state outlives them", async () => {
  const rig = new Rig(eventsPipeline());
  rig.now = 50 * DAY;
  // The second commit is a delta: without the first it says nothing.
  await rig.task().turn({ kind: "records", records: Array.from({ length: 7 }, (_, i) => at(i, 1, rig.now)) });
  await rig.task().turn({ kind: "records", records: [at(8, 2, rig.now)] });
  for (let day = 0; day < 120; day++) {
    rig.now += DAY;
    await sweep(rig);
    rig.changelog.expire(rig.now);
  }
  expect(rig.objects.objects.size).toBe(1); // one checkpoint was enough for four months
  await rig.task().turn({ kind: "records", records: [at(8, 2, 50 * DAY), at(9, 50, rig.now)] });
  const rows = rig.rows<{ key: string; events: number }>("sums");
  expect(Object.fromEntries(rows.map(({ key, events }) => [key, events]))).toEqual({
    k0: 1,
    k1: 2,
    k2: 1,
    k3: 1,
    k4: 1,
    k5: 1,
    k6: 1,
  });
});

test("X11: without sweeps the commits expire, and the task stops loudly instead of beginning anew", async () => {
  const rig = new Rig(eventsPipeline());
  rig.now = 50 * DAY;
  await rig.task().turn({ kind: "records", records: [at(1, 1, rig.now)] });
  await rig.task().turn({ kind: "records", records: [at(2, 30, rig.now)] });
  const warm = rig.task();
  await warm.turn({ kind: "records", records: [at(2, 30, rig.now)] });
  rig.now += 31 * DAY;
  rig.changelog.expire(rig.now);
  for (const task of [rig.task(), warm]) {
    await expect(task.turn({ kind: "records", records: [at(3, 31, rig.now)] })).rejects.toMatchObject({
      code: "state/gone",
      kind: "systemic",
    });
  }
});

test("X5, X11: a head that nobody came back to deliver is delivered by a sweep", async () => {
  const rig = new Rig(eventsPipeline());
  const down = rig.task({
    wrapSink: (_name, sink) => overriding(sink, { deliver: () => Promise.reject(new Error("down")) }),
  });
  await expect(down.turn({ kind: "records", records: [at(1, 1, 0), at(2, 90, 0)] })).rejects.toMatchObject({
    code: "delivery/failed",
  });
  expect(rig.rows("sums")).toEqual([]);
  await sweep(rig);
  expect(rig.rows("sums")).toHaveLength(1);
  await sweep(rig);
  expect(rig.sinks.get("sums")!.received).toHaveLength(1);
});

test("X11, X12: a tick that was lost is replaced by a sweep, and closes what is open", async () => {
  const rig = new Rig(eventsPipeline({ idle: { minutes: 1 } }));
  rig.now = 50 * DAY;
  await rig.task().turn({ kind: "records", records: [at(1, 1, rig.now)] });
  expect(rig.ticks()).toHaveLength(1); // and it never comes
  rig.now += 10 * 60_000;
  await sweep(rig);
  expect(rig.ticks()).toHaveLength(1); // it may still come
  rig.now += DAY;
  const before = rig.sinks.get("$ticks")!.received.length;
  await rig.task().turn({ kind: "sweep" });
  const [tick] = rig.sinks
    .get("$ticks")!
    .received.slice(before)
    .map(({ body }) => JSON.parse(body) as { id: string; at: number });
  rig.now = tick!.at;
  await rig.task().turn({ kind: "tick", id: tick!.id });
  expect(rig.rows("sums")).toHaveLength(1);
});

test("X11: superseded checkpoints go, the last two stay, and a reader of an older pointer reads the pointer again", async () => {
  const rig = new Rig(eventsPipeline());
  for (let i = 1; i <= 30; i++) {
    await rig.task({ limits: SMALL_LIMITS }).turn({ kind: "records", records: [at(i, 1, 0)] });
  }
  const checkpoints = () => rig.objects.list("checkpoints/");
  expect((await checkpoints()).length).toBeGreaterThan(3);
  // A reader that took the pointer before the sweep, and the object after it.
  const name = taskName(rig.idOf(SHARD));
  const { item } = await rig.changelog.newest(name, { from: 0, limit: 1 });
  const oldest = (await checkpoints()).toSorted(
    (a, b) => Number.parseInt(a.split("/")[2]!) - Number.parseInt(b.split("/")[2]!),
  )[0]!;
  let isStale = true;
  const reader = rig.task({
    limits: SMALL_LIMITS,
    wrapChangelog: (changelog) =>
      overriding(changelog, {
        newest: async (...args) => {
          const answer = await changelog.newest(...args);
          if (!isStale) return answer;
          isStale = false;
          return {
            ...answer,
            item: {
              ...answer.item,
              checkpoint: { ...item.checkpoint!, key: oldest, epoch: 1 },
              previousCheckpoint: undefined,
            },
          };
        },
      }),
  });
  await rig.task({ limits: SMALL_LIMITS }).turn({ kind: "sweep" });
  const left = await checkpoints();
  expect(left).toHaveLength(2);
  expect(left).toContain(item.checkpoint!.key);
  expect(left).toContain(item.previousCheckpoint!.key);
  await reader.turn({ kind: "records", records: [at(31, 1, 0)] });
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 31 });
});
