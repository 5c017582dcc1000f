import { describe, expect, test } from "vitest";
import { systemicError } from "../../lib/errors.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import type { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import { NEW_TASK_ITEM } from "../../lib/state/changelog.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SHARD, SUSPECT_AFTER, type RigOptions } from "../support/rig.ts";

const TASK = `events-pipeline:0:events:events.0:${SHARD}`;
const at = (sequence: number) => record(sequence, { key: "a", time: 1, value: 1 });

/** A process that dies when it folds one of these: after it, nothing it does reaches the world. */
function mortal(rig: Rig, killers: readonly number[], options: RigOptions = {}): StageRuntime {
  let isDead = false;
  const alive =
    <A extends unknown[], R>(call: (...args: A) => Promise<R>) =>
    (...args: A): Promise<R> =>
      isDead ? Promise.reject(new Error("dead")) : call(...args);
  const { decode } = rig;
  return rig.process({
    ...options,
    decode: (incoming) => {
      if (killers.includes(Number(incoming.position.sequence))) {
        isDead = true;
        throw systemicError({ code: "test/killed", message: "The process is gone." });
      }
      return decode(incoming);
    },
    wrapChangelog: (inner) => {
      const changelog = options.wrapChangelog?.(inner) ?? inner;
      return overriding(changelog, {
        append: alive((...args) => changelog.append(...args)),
        endTrial: alive((...args) => changelog.endTrial(...args)),
      });
    },
  });
}

/** The mapping: a batch that fails is halved until it goes through, each attempt in a new process. */
async function mapping(rig: Rig, records: readonly IncomingRecord[], process: () => StageRuntime): Promise<number> {
  for (let attempts = 1; attempts <= 12; attempts++) {
    try {
      await process().records(SHARD, records);
      return attempts;
    } catch {
      if (records.length === 1) continue;
      const middle = Math.ceil(records.length / 2);
      const first = await mapping(rig, records.slice(0, middle), process);
      return first + (await mapping(rig, records.slice(middle), process));
    }
  }
  throw new Error("The mapping would try for ever.");
}

const late = (rig: Rig) => (rig.now += SUSPECT_AFTER + 1);
const records = Array.from({ length: 8 }, (_, i) => at(i + 1));

test("X7: a record that kills the process is isolated and set aside, and the rest is exact", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  await mapping(rig, records, () => mortal(rig, [5]));
  expect(rig.deadLetters()).toMatchObject([
    { kind: "record", reason: { code: "process/killed" }, position: { sequence: "5" } },
  ]);
  expect((await rig.counters()).get("events")).toMatchObject({ in: 8, dead: 1 });
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 7 });
});

test("X7: a record that comes soon after its arrival is never suspect: it costs no write and is tried again", async () => {
  const rig = new Rig(eventsPipeline());
  await expect(mapping(rig, [at(1)], () => mortal(rig, [1]))).rejects.toThrow("for ever");
  expect(rig.deadLetters()).toEqual([]);
  expect((await rig.changelog.newest(TASK, { from: 0 })).item.trial).toEqual(NEW_TASK_ITEM.trial);
});

test("X7: what fails after the fold, or before it, never makes a record suspect", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  let failures = 20;
  const flaky = () =>
    mortal(rig, [], {
      wrapChangelog: (changelog) =>
        overriding(changelog, {
          append: (...args) => (failures-- > 0 ? Promise.reject(new Error("throttled")) : changelog.append(...args)),
        }),
    });
  for (let i = 0; i < 20; i++) await expect(flaky().records(SHARD, [at(1)])).rejects.toThrow("throttled");
  await flaky().records(SHARD, [at(1)]);
  expect(rig.deadLetters()).toEqual([]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 1 });
});

test("X7: an end that could not be noted is noted before the next batch, and never counts", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  let isDown = true;
  const process = rig.process({
    wrapChangelog: (changelog) =>
      overriding(changelog, {
        append: (...args) => (isDown ? Promise.reject(new Error("down")) : changelog.append(...args)),
        endTrial: (...args) => (isDown ? Promise.reject(new Error("down")) : changelog.endTrial(...args)),
      }),
  });
  for (let i = 0; i < 5; i++) await expect(process.records(SHARD, [at(1)])).rejects.toThrow("down");
  isDown = false;
  await process.records(SHARD, [at(1)]);
  expect(rig.deadLetters()).toEqual([]);
});

test("X7: a beginning whose answer was lost is taken back: the record was not even tried", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  for (let i = 0; i < 5; i++) {
    const unlucky = rig.process({
      wrapChangelog: (changelog) =>
        overriding(changelog, {
          beginTrial: async (...args) => {
            await changelog.beginTrial(...args);
            throw new Error("cut off");
          },
        }),
    });
    await expect(unlucky.records(SHARD, [at(1)])).rejects.toThrow("cut off");
  }
  await rig.process().records(SHARD, [at(1)]);
  expect(rig.deadLetters()).toEqual([]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 1 });
});

describe("X7: notes that time out and arrive later make no record suspect", () => {
  /** Processes whose notes about attempts are not answered. @param arrive what becomes of the last one's two notes */
  async function unanswered(rig: Rig, arrive: (begin: () => unknown, end: () => unknown) => Promise<void>) {
    for (let i = 0; i < 5; i++) {
      const notes: (() => Promise<unknown>)[] = [];
      const late = (note: () => Promise<unknown>) => {
        notes.push(note);
        return Promise.reject(new Error("timed out"));
      };
      const process = rig.process({
        wrapChangelog: (changelog) =>
          overriding(changelog, {
            beginTrial: (...args) => late(() => changelog.beginTrial(...args)),
            endTrial: (...args) => late(() => changelog.endTrial(...args)),
          }),
      });
      await expect(process.records(SHARD, [at(1)])).rejects.toThrow("timed out");
      await arrive(notes[0]!, notes[1]!);
    }
    await rig.process().records(SHARD, [at(1)]);
    expect(rig.deadLetters()).toEqual([]);
    expect((await rig.counters()).get("tens")).toMatchObject({ folded: 1 });
  }

  test("the end before the beginning", async () => {
    const rig = new Rig(eventsPipeline());
    late(rig);
    await unanswered(rig, async (begin, end) => {
      await end();
      await begin();
    });
  });

  test("all of them after the last attempt", async () => {
    const rig = new Rig(eventsPipeline());
    late(rig);
    const begins: (() => unknown)[] = [];
    await unanswered(rig, async (begin) => {
      begins.push(begin);
      if (begins.length === 5) for (const one of begins) await one();
    });
  });
});

test("X7: an attempt that another one overtakes is not made: the record comes again", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  const process = rig.process({
    wrapChangelog: (changelog) =>
      overriding(changelog, {
        beginTrial: async (task, seen, position, attempt) => {
          await changelog.endTrial(task, "of another process");
          return changelog.beginTrial(task, seen, position, attempt);
        },
      }),
  });
  await expect(process.records(SHARD, [at(1)])).rejects.toMatchObject({
    code: "task/contended",
    kind: "infrastructure",
  });
  await rig.process().records(SHARD, [at(1)]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 1 });
});

test("X7: three records in a row that kill are a broken build: the task stops, and another build goes on", async () => {
  const rig = new Rig(eventsPipeline());
  await rig.process().records(SHARD, [at(1)]);
  late(rig);
  const all = [2, 3, 4, 5];
  await mapping(rig, [at(2)], () => mortal(rig, all));
  await mapping(rig, [at(3)], () => mortal(rig, all));
  await expect(mapping(rig, [at(4)], () => mortal(rig, all))).rejects.toThrow("for ever");
  await expect(mortal(rig, all).records(SHARD, [at(4)])).rejects.toMatchObject({
    code: "process/kills",
    kind: "systemic",
  });
  expect(rig.deadLetters()).toHaveLength(2);
  // Mended: what the broken build could not fold is not lost.
  await mortal(rig, [], { build: "mended" }).records(SHARD, [at(4), at(5)]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 3 });
  expect(rig.deadLetters()).toHaveLength(2);
});

test("X7: killers with good records between them are each set aside", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  await mapping(rig, records, () => mortal(rig, [1, 3, 5, 7]));
  expect(rig.deadLetters().map(({ position }) => position?.sequence)).toEqual(["1", "3", "5", "7"]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 4 });
});

test("X7: another build's kills say nothing of this one", async () => {
  const rig = new Rig(eventsPipeline());
  late(rig);
  for (let i = 0; i < 5; i++) {
    await mortal(rig, [1], { build: "broken" })
      .records(SHARD, [at(1)])
      .catch(() => undefined);
    if (rig.deadLetters().length > 0) break;
    if (i === 2) break;
  }
  expect(rig.deadLetters()).toEqual([]);
  await mortal(rig, [], { build: "mended" }).records(SHARD, [at(1)]);
  expect(rig.deadLetters()).toEqual([]);
  expect((await rig.counters()).get("tens")).toMatchObject({ folded: 1 });
});
