import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { poisonError, systemicError } from "../../lib/errors.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { RecordDecoder } from "../../lib/runtime/record.ts";
import { redriveBody, wholeKey } from "../../lib/runtime/redrive.ts";
import type { StageRuntime } from "../../lib/runtime/stage-runtime.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { CrashPoint, type CrashKind } from "../support/crashing.ts";
import { eventsPipeline, type Event, type SumRow } from "../support/events-pipeline.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { overriding } from "../support/overriding.ts";
import { record, Rig, SHARD, SMALL_LIMITS, type RigOptions } from "../support/rig.ts";

const EVENTS: readonly Event[] = Array.from({ length: 24 }, (_, i) => ({
  key: ["a", "b", "c"][i % 3]!,
  time: i % 8,
  value: (i % 5) - 1,
}));
const RECORDS = EVENTS.map((event, i) => record(i + 1, event));
const EXPECTED = naiveWindows(EVENTS, { disorder: 5, lateness: 0 });

/** A build that cannot read every third record. */
const broken =
  (rig: Rig): RecordDecoder =>
  (incoming) => {
    if (Number(incoming.position.sequence) % 3 === 0) throw poisonError({ code: "test/broken", message: "Cannot." });
    return rig.decode(incoming);
  };

const messageOf = (letter: DeadLetter): ControlMessage => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

/** A rig whose broken build has made dead letters. */
async function withLetters(): Promise<Rig> {
  const rig = new Rig(eventsPipeline());
  await rig.process({ decode: broken(rig) }).records(SHARD, RECORDS);
  expect(rig.deadLetters()).toHaveLength(8);
  return rig;
}

async function check(rig: Rig): Promise<void> {
  await rig.task().turn({ kind: "drain" });
  expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(EXPECTED.windows));
  const counters = await rig.counters();
  const { in: all, dead } = counters.get("events")!;
  const { folded, late } = counters.get("tens")!;
  const { filtered } = counters.get("not-zero")!;
  expect([all, dead]).toEqual([24 + 8, 8]);
  expect(folded + late + filtered + dead).toBe(all);
  expect([folded + filtered, filtered]).toEqual([24, EXPECTED.filtered]);
}

describe("a redriven record is folded once, and the rows are those of a pipeline that never failed", () => {
  test("however often its message comes, to one process or to several at once", async () => {
    const rig = await withLetters();
    const before = (await rig.header())!;
    const processes = [rig.process(), rig.process(), rig.process()];
    for (const letter of rig.deadLetters()) {
      await Promise.all(processes.map((process) => process.control(messageOf(letter))));
    }
    for (const letter of rig.deadLetters()) await rig.process().control(messageOf(letter));
    const after = (await rig.header())!;
    expect([after.position, after.arrival, after.poison]).toEqual([before.position, before.arrival, before.poison]);
    expect(after.epoch).toBe(before.epoch + 8);
    await check(rig);
  });

  for (const kind of ["before", "after", "zombie"] as const satisfies readonly CrashKind[]) {
    for (const [name, options] of [
      ["", {}],
      [", all spilled and checkpointed", { limits: SMALL_LIMITS }],
    ] as const) {
      test(`with a crash ${kind} each await of its turn${name}`, async () => {
        let points = 0;
        for (let at = 0; ; at++) {
          const rig = await withLetters();
          const crash = new CrashPoint(at, kind);
          const dying = rig.process({ ...options, ...crash.options });
          // The queue: what was not answered comes again, some of it twice.
          for (const letter of rig.deadLetters()) {
            await dying.control(messageOf(letter), 2).catch((thrown: unknown) => {
              if (!crash.crashed) throw thrown;
            });
          }
          for (const letter of rig.deadLetters()) await rig.process(options).control(messageOf(letter), 2);
          await crash.land();
          await check(rig);
          if (!crash.crashed) break;
          points++;
        }
        // Eight turns, each with a read, a trial's three requests and a put.
        expect(points).toBeGreaterThanOrEqual(40);
      });
    }
  }

  test("what fails again is a new dead letter, and the old one is done with", async () => {
    const rig = await withLetters();
    const [first] = rig.deadLetters();
    for (let i = 0; i < 3; i++) await rig.process({ decode: broken(rig) }).control(messageOf(first!));
    const letters = rig.deadLetters();
    expect(letters).toHaveLength(9);
    expect(letters[8]).toMatchObject({ payload: first!.payload, position: first!.position, arrival: first!.arrival });
    expect(letters[8]!.id).not.toBe(first!.id);
    expect((await rig.counters()).get("events")).toMatchObject({ in: 25, dead: 9 });
    await rig.process().control(messageOf(letters[8]!));
    expect((await rig.counters()).get("events")).toMatchObject({ in: 26, dead: 9 });
  });

  test("one that is too late by now is late, and counted so", async () => {
    const rig = await withLetters();
    await rig.task().turn({ kind: "drain" });
    for (const letter of rig.deadLetters()) await rig.process().control(messageOf(letter));
    const counters = await rig.counters();
    expect(counters.get("events")).toMatchObject({ in: 32, dead: 8 });
    expect(counters.get("tens")!.late + counters.get("not-zero")!.filtered).toBeGreaterThanOrEqual(8);
    expect(rig.rows("late")).toHaveLength(counters.get("tens")!.late);
  });

  test("one that is too large for a message is read from S3", async () => {
    const rig = await withLetters();
    for (const letter of rig.deadLetters()) {
      const { payload: _payload, ...rest } = letter;
      const key = wholeKey(letter.id);
      const queued = messageOf({ ...rest, whole: { bucket: "state", key } } as DeadLetter);
      await expect(rig.process().control(queued)).rejects.toMatchObject({ code: "redrive/no-object" });
      await rig.objects.put(key, Buffer.from(JSON.stringify(letter)));
      await rig.process().control(queued);
    }
    await check(rig);
  });
});

test("X10: redrives are not judged, and what they become speaks neither for the stream nor against it", async () => {
  const rig = new Rig(eventsPipeline({ share: 0.5 }));
  const records = Array.from({ length: 300 }, (_, i) => record(i + 1, { key: "a", time: 1, value: 1 }));
  await rig.process({ decode: broken(rig) }).records(SHARD, records);
  const process = rig.process({ decode: broken(rig) });
  for (let round = 0; round < 4; round++) {
    for (const letter of rig.deadLetters().slice(-100)) await process.control(messageOf(letter));
  }
  expect(rig.deadLetters()).toHaveLength(500);
  // Two thirds of the next batch are in order, as before.
  await process.records(
    SHARD,
    records.map((r, i) => ({ ...r, position: { sequence: String(301 + i), index: 0 } })),
  );
  expect((await rig.counters()).get("events")).toMatchObject({ in: 1_000, dead: 600 });
});

describe("panes and outputs", () => {
  const events = kinesis("events", {
    schema: z.object({ airline: z.string(), flight: z.number(), time: z.number() }),
    key: { airline: (e) => e.airline, flight: (e) => e.flight },
    eventTime: (e) => e.time,
    disorder: {},
  });
  const build = { isBroken: true };
  const columns = { airline: text, flight: bigint, windowStart: timestamp, windowEnd: timestamp, n: bigint };
  const flow = pipeline("panes", (start) => {
    start
      .from(events)
      .byKey.window("tens", tumbling({ millis: 10 }))
      .aggregate({ n: count() })
      .map("check", (row) => {
        if (build.isBroken && row.n > 1) throw new Error("too many");
        return { ...row, flight: BigInt(row.flight) };
      })
      .to(lake("out", columns));
  });
  const at = (sequence: number, flight: number) =>
    record(sequence, { airline: "UA", flight, time: 5 }, { key: `["UA",${flight}]` });

  async function withPane(): Promise<Rig> {
    build.isBroken = true;
    const rig = new Rig(flow);
    await rig.task().turn({ kind: "records", records: [at(1, 17), at(2, 17), at(3, 18)] });
    await rig.task().turn({ kind: "drain" });
    expect(rig.deadLetters()).toMatchObject([{ kind: "pane", operator: "check", unit: { operator: "tens" } }]);
    return rig;
  }

  test("a pane's row is sent once, with its own key's types, however often it is redriven", async () => {
    const rig = await withPane();
    const [letter] = rig.deadLetters();
    await rig.process().control(messageOf(letter!));
    const [, again] = rig.deadLetters(); // not mended yet
    expect(again).toMatchObject({ kind: "pane", unit: letter!.unit });
    build.isBroken = false;
    for (let i = 0; i < 3; i++) await rig.process().control(messageOf(again!));
    await rig.process().control(messageOf(letter!));
    expect(rig.rows("out")).toMatchObject([
      { airline: "UA", flight: 18, n: 1 },
      { airline: "UA", flight: 17, n: 2, window_start: 0 },
    ]);
    expect((await rig.counters()).get("tens")).toMatchObject({ folded: 3, dead: 2, closed: 2 });
  });

  test("an output that was refused is sent again once, as an output of the redrive", async () => {
    build.isBroken = false;
    const rig = new Rig(flow);
    const refusing: RigOptions = {
      wrapSink: (name, sink) =>
        name === "out" ? { deliver: async (items) => items.map((delivery) => ({ delivery, message: "no" })) } : sink,
    };
    await rig.task(refusing).turn({ kind: "records", records: [at(1, 17)] });
    await rig.task(refusing).turn({ kind: "drain" });
    const [letter] = rig.deadLetters();
    expect(letter).toMatchObject({ kind: "output", operator: "out" });
    for (let i = 0; i < 3; i++) await rig.process().control(messageOf(letter!));
    expect(rig.rows("out")).toMatchObject([{ airline: "UA", flight: 17, n: 1 }]);
  });

  test("what this build has no place for is an error, and nothing is committed or lost", async () => {
    const rig = await withPane();
    const [letter] = rig.deadLetters();
    const epoch = (await rig.header())!.epoch;
    const gone = messageOf({ ...letter!, unit: { ...letter!.unit!, operator: "gone" } });
    await expect(rig.process().control(gone)).rejects.toMatchObject({ code: "redrive/no-operator" });
    const output = { sink: "gone", id: `${letter!.task}@1#0`, body: "{}" };
    const { unit: _unit, ...rest } = letter!;
    const noSink = messageOf({ ...rest, kind: "output", output });
    await expect(rig.process().control(noSink)).rejects.toMatchObject({ code: "redrive/no-sink" });
    expect((await rig.header())!.epoch).toBe(epoch);
  });
});

describe("X7: a letter that kills the process", () => {
  /** Dies at some records; after that, nothing it does reaches the world. */
  function mortal(rig: Rig, killers: readonly number[], options: RigOptions = {}): StageRuntime {
    let isDead = false;
    return rig.process({
      ...options,
      decode: (incoming) => {
        if (killers.includes(Number(incoming.position.sequence))) {
          isDead = true;
          throw systemicError({ code: "test/killed", message: "The process is gone." });
        }
        return rig.decode(incoming);
      },
      wrapChangelog: (inner) =>
        overriding(inner, {
          append: (...args) => (isDead ? Promise.reject(new Error("dead")) : inner.append(...args)),
          endTrial: (...args) => (isDead ? Promise.reject(new Error("dead")) : inner.endTrial(...args)),
        }),
    });
  }

  /** A queue that gives what failed to a new process, interleaved. @returns how often each was received */
  async function deliver(rig: Rig, letters: readonly DeadLetter[], process: () => StageRuntime): Promise<number[]> {
    const receives = letters.map(() => 0);
    const waiting = new Set(letters.keys());
    for (let round = 0; waiting.size > 0 && round < 20; round++) {
      for (const i of waiting) {
        receives[i]!++;
        await process()
          .control(messageOf(letters[i]!), receives[i])
          .then(() => waiting.delete(i))
          .catch(() => undefined);
      }
    }
    expect(waiting.size).toBe(0);
    return receives;
  }

  test("is set aside once more after three kills, two at a time as well, and the others are folded", async () => {
    const rig = await withLetters();
    const letters = rig.deadLetters();
    const receives = await deliver(rig, letters, () => mortal(rig, [6, 12]));
    // The first time nobody suspects it; at the fifth it is not looked at any more.
    expect(receives).toEqual([1, 5, 1, 5, 1, 1, 1, 1]);
    const again = rig.deadLetters().slice(8);
    expect(again.map(({ position, reason }) => [position!.sequence, reason.code])).toEqual([
      ["6", "process/killed"],
      ["12", "process/killed"],
    ]);
    expect((await rig.counters()).get("events")).toMatchObject({ in: 32, dead: 10 });
    // What was set aside for it is suspect from the first time on; a mended build folds it.
    expect(await deliver(rig, again, () => mortal(rig, [6, 12], { build: "other" }))).toEqual([4, 4]);
    const mended = rig.deadLetters().slice(10);
    expect(mended).toHaveLength(2);
    expect(await deliver(rig, mended, () => rig.process({ build: "mended" }))).toEqual([1, 1]);
    await rig.task().turn({ kind: "drain" });
    expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(EXPECTED.windows));
  });

  test("services that fail make no letter suspect", async () => {
    const rig = await withLetters();
    const [letter] = rig.deadLetters();
    const failing = rig.process({
      wrapChangelog: (inner) => overriding(inner, { append: () => Promise.reject(new Error("throttled")) }),
    });
    for (let i = 1; i <= 6; i++) await expect(failing.control(messageOf(letter!), i)).rejects.toThrow("throttled");
    await rig.process().control(messageOf(letter!), 7);
    expect(rig.deadLetters()).toHaveLength(8);
  });
});

describe("a letter that is not this task's is an error, so that its message is kept", () => {
  const cases: readonly (readonly [what: string, task: string])[] = [
    ["generation", `events-pipeline:1:events:events.0:${SHARD}`],
    ["incarnation", `events-pipeline:0:events:events.1:${SHARD}`],
    ["stage", `events-pipeline:0:other:events.0:${SHARD}`],
    ["pipeline", `other:0:events:events.0:${SHARD}`],
  ];
  for (const [what, task] of cases) {
    test(`another ${what}`, async () => {
      const rig = await withLetters();
      const [letter] = rig.deadLetters();
      const foreign = messageOf({ ...letter!, task, id: `${task}@1#0` });
      await expect(rig.process().control(foreign)).rejects.toMatchObject({
        kind: "systemic",
        code: "redrive/other-deployment",
      });
    });
  }

  test("a commit that the changelog does not have", async () => {
    const rig = await withLetters();
    const [letter] = rig.deadLetters();
    const other = messageOf({ ...letter!, id: `${letter!.task}@99#0` });
    await expect(rig.process().control(other)).rejects.toMatchObject({ code: "redrive/other-history" });
  });

  test("a message that holds no whole letter is none", () => {
    for (const letter of [{}, null, [], { id: "a@1#0", task: "b", kind: "record" }, "x"]) {
      expect(parseControlMessage(redriveBody(JSON.stringify(letter)))).toBeUndefined();
    }
  });
});

test("X9: ids are forgotten after 60 days, at redrives and sweeps, and a task without any keeps no table", async () => {
  const rig = await withLetters();
  const [first, second] = rig.deadLetters();
  await rig.process().control({ type: "sweep", task: first!.task });
  const epoch = (await rig.header())!.epoch;
  await rig.process().control(messageOf(first!));
  const day = 24 * 3_600_000;
  rig.now += 60 * day;
  await rig.process().control({ type: "sweep", task: first!.task });
  await rig.process().control(messageOf(first!));
  expect((await rig.header())!.epoch).toBe(epoch + 1); // known still
  rig.now += day;
  await rig.process().control({ type: "sweep", task: first!.task });
  expect((await rig.header())!.epoch).toBe(epoch + 2); // forgotten
  await rig.process().control({ type: "sweep", task: first!.task });
  await rig.process().control(messageOf(second!));
  expect((await rig.header())!.epoch).toBe(epoch + 3);
});
