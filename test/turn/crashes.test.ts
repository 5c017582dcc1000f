import { describe, expect, test } from "vitest";
import { eventsPipeline, type Event, type SumRow } from "../support/events-pipeline.ts";
import { CrashPoint, type CrashKind } from "../support/crashing.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { record, Rig, SMALL_LIMITS, type RigOptions } from "../support/rig.ts";
import { overriding } from "../support/overriding.ts";

/** Every third value differs, some are late, the last batch closes windows; one record is poison. */
const EVENTS: readonly Event[] = Array.from({ length: 48 }, (_, i) => ({
  key: ["a", "b", "c"][i % 3]!,
  time: i % 7 === 6 ? i - 20 : i,
  value: (i % 5) - 1,
}));
const RECORDS = EVENTS.map((event, i) => record(i + 1, event));
const POISON = record(25, { key: "a", time: "never", value: 1 });
const ALL = [
  ...RECORDS.slice(0, 24),
  POISON,
  ...RECORDS.slice(24).map((r, i) => ({ ...r, position: { sequence: String(26 + i), index: 0 } })),
];
const BATCHES = [ALL.slice(0, 10), ALL.slice(10, 30), ALL.slice(30)];
const EXPECTED = naiveWindows(EVENTS, { disorder: 5, lateness: 0 });

/** Delivers batches as a mapping does: again, until the function says it succeeded. A crash takes the process. */
async function run(rig: Rig, crash: CrashPoint, landAfter: "retry" | "read", options: RigOptions): Promise<void> {
  let task = rig.task({ ...options, ...crash.options });
  let alive = true;
  const triggers = [...BATCHES.map((records) => ({ kind: "records" as const, records })), { kind: "drain" as const }];
  for (const trigger of triggers) {
    await task.turn(trigger).catch((thrown: unknown) => {
      if (!crash.crashed) throw thrown;
    });
    if (!crash.crashed || !alive) continue;
    alive = false; // whatever it answered, nobody heard it
    task = rig.task({ ...options, ...(landAfter === "read" ? landingAfterRead(crash) : {}) });
    await task.turn(trigger);
    await crash.land();
  }
}

/** The zombie's request lands between the new process's read and its put. */
const landingAfterRead = (crash: CrashPoint): RigOptions => ({
  wrapChangelog: (changelog) =>
    overriding(changelog, {
      newest: async (...args) => {
        const answer = await changelog.newest(...args);
        await crash.land();
        return answer;
      },
    }),
});

async function check(rig: Rig): Promise<void> {
  expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(EXPECTED.windows));
  expect(rig.rows("late")).toHaveLength(EXPECTED.late.length);
  expect(rig.deadLetters().map(({ position }) => position?.sequence)).toEqual(["25"]);
  const counters = await rig.counters();
  expect(counters.get("events")).toMatchObject({ in: EVENTS.length + 1, dead: 1 });
  const { folded = 0, late = 0 } = counters.get("tens") ?? {};
  expect(folded + late + EXPECTED.filtered + 1).toBe(EVENTS.length + 1);
}

describe("X1 X2 X4 X5: every effect exactly once, wherever a process dies", () => {
  for (const [limits, options] of [
    ["", {}],
    [", all spilled and checkpointed", { limits: SMALL_LIMITS }],
    [", checkpointed in parts", { limits: { ...SMALL_LIMITS, turn: 1, late: 1e9 } }],
  ] as const)
    for (const kind of ["before", "after", "zombie"] as const satisfies readonly CrashKind[]) {
      for (const landing of kind === "zombie" ? (["read", "retry"] as const) : (["retry"] as const)) {
        test(`a crash ${kind} each await in turn${kind === "zombie" ? `, landing at the next process's ${landing}` : ""}${limits}`, async () => {
          let points = 0;
          for (let at = 0; ; at++) {
            const rig = new Rig(eventsPipeline());
            const crash = new CrashPoint(at, kind);
            await run(rig, crash, landing, options);
            await check(rig);
            if (!crash.crashed) break;
            points++;
          }
          // read, append, two or three sinks and a mark for each of four turns: fewer would mean that awaits escape.
          expect(points).toBeGreaterThan(15);
        });
      }
    }
});

test("X1: two processes that fold one batch at the same time commit it once", async () => {
  const rig = new Rig(eventsPipeline());
  const [a, b] = [rig.task(), rig.task()];
  for (const records of BATCHES) {
    await Promise.all([a.turn({ kind: "records", records }), b.turn({ kind: "records", records })]);
  }
  await Promise.all([a.turn({ kind: "drain" }), b.turn({ kind: "drain" })]);
  await check(rig);
  expect(rig.reports.some(({ conflicts }) => conflicts > 0)).toBe(true);
});

test("X5: a head whose delivery is not known is delivered before anything is appended, with the same ids", async () => {
  const rig = new Rig(eventsPipeline());
  const records = [record(1, { key: "a", time: 1, value: 1 }), record(2, { key: "a", time: 50, value: 1 })];
  const broken = rig.task({ wrapSink: () => ({ deliver: () => Promise.reject(new Error("down")) }) });
  await expect(broken.turn({ kind: "records", records })).rejects.toThrow("could not be delivered to sums (down)");
  expect(rig.sinks.get("sums")!.received).toHaveLength(0);
  // The batch comes again to another process: nothing new is in it, and yet it must deliver.
  await rig.task().turn({ kind: "records", records });
  expect(rig.reports.at(-1)).toMatchObject({ folded: 0, redeliveries: 1 });
  expect([...rig.sinks.get("sums")!.distinct().keys()]).toEqual([
    "events-pipeline:0:events:events.0:shardId-000000000000@1#0",
  ]);
});

test("X5: only the sink that was down gets its outputs again", async () => {
  const rig = new Rig(eventsPipeline());
  const records = [
    record(1, { key: "a", time: 1, value: 1 }),
    record(2, { key: "a", time: 50, value: 1 }),
    record(3, { key: "a", time: 2, value: 1 }),
  ];
  const broken = rig.task({
    wrapSink: (name, sink) => (name === "late" ? { deliver: () => Promise.reject(new Error("down")) } : sink),
  });
  await expect(broken.turn({ kind: "records", records })).rejects.toThrow("late (down)");
  await rig.task().turn({ kind: "records", records });
  expect(rig.sinks.get("sums")!.received).toHaveLength(1);
  expect(rig.sinks.get("late")!.received).toHaveLength(1);
});

test("X5: a lost mark costs a repeat with the same id, never a loss", async () => {
  const rig = new Rig(eventsPipeline());
  const records = [record(1, { key: "a", time: 1, value: 1 }), record(2, { key: "a", time: 50, value: 1 })];
  const task = rig.task({
    wrapChangelog: (changelog) =>
      overriding(changelog, { raiseDelivered: () => Promise.reject(new Error("throttled")) }),
  });
  await task.turn({ kind: "records", records });
  expect(rig.notices).toHaveLength(1);
  await rig.task().turn({ kind: "records", records });
  expect(rig.sinks.get("sums")!.received).toHaveLength(2);
  expect(rig.sinks.get("sums")!.distinct().size).toBe(1);
});
