import { sourceIntake } from "../../lib/runtime/intake.ts";
import { expect, test } from "vitest";
import type { OperatorContext, TimedOperator, Unit } from "../../lib/operators/operator.ts";
import type { StageProgram } from "../../lib/operators/program.ts";
import { Fold } from "../../lib/runtime/fold.ts";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import type { Output } from "../../lib/state/commit.ts";
import { encodeKey } from "../../lib/state/key.ts";
import { TaskState } from "../../lib/state/task-state.ts";

/**
 * Timers of one key: each notes in a state of its own that it fired, sends that, and sets the timers it names. The one at 13
 * throws after all that, as long as it is told to.
 */
function timers(sets: Readonly<Record<number, readonly number[]>>, isBroken: () => boolean) {
  const NAMES = { timers: "timers", fired: "fired" };
  const key = { key: "a" };
  const keyCode = encodeKey(key);
  const program = (context: OperatorContext): TimedOperator => {
    const table = context.state.table(NAMES.timers);
    const fired = context.state.table(NAMES.fired);
    const unit = (time: number): Unit => ({
      operator: "timers",
      describe: () => ({ kind: "timer", key, about: { time }, content: null }),
      run: () => {
        context.enter("timers");
        fired.put(0, String(time), true);
        context.send("out", String(time));
        for (const next of sets[time] ?? []) table.put(next, keyCode, true);
        if (time === 13 && isBroken()) throw new Error("no");
      },
    });
    return {
      name: "timers",
      unitOf: ({ about }) => unit(about["time"] as number),
      nextDue: () => table.least,
      *closeUpTo(watermark) {
        while (table.least <= watermark) {
          const time = table.least;
          table.remove(time, keyCode);
          yield unit(time);
        }
      },
    };
  };
  const stage: StageProgram = {
    pipeline: "p",
    name: "s",
    shapes: {},
    replicated: new Set(),
    entryRestorers: new Map(),
    shuffles: [],
    hashOfKey: () => "0".repeat(32),
    unite: <T>(tables: T) => tables,
    hashOf: () => "0".repeat(32),
    restore: ({ header, tables }) => ({ header, tables, isMigrated: false }),
    wayOfUnit: ({ operator }) => ({ operator, from: undefined }),
    bind: (context) => ({
      enter: () => () => undefined,
      timed: [program(context)],
      expiring: [],
      flush: () => undefined,
    }),
  };
  const state = new TaskState();
  const fold = new Fold(
    {
      origin: { pipeline: "p", stage: "s", task: "t", partition: "q" },
      program: stage,
      source: "source",
      intake: sourceIntake("source", { decode: () => ({ value: undefined, time: 0, key, keyCode }) }, 0),
      poisonShare: 0.5,
      build: "test",
    },
    state,
  );
  const set = (time: number) => state.table(NAMES.timers).put(time, keyCode, true);
  const fired = () => [...state.table(NAMES.fired).entriesOf(0).keys()];
  return { state, fold, set, fired };
}

const split = (outputs: readonly Output[]) => ({
  sent: outputs.filter(({ sink }) => sink === "out").map(({ body }) => Number(body)),
  letters: outputs.filter(({ sink }) => sink !== "out").map(({ body }) => JSON.parse(body) as DeadLetter),
});

test("a timer may set others: what is due by then fires too, in the order of event time, and the rest later", () => {
  const { fold, set } = timers({ 10: [11, 30, 12] }, () => false);
  set(20);
  set(10);
  fold.advance(25);
  expect(split(fold.complete()).sent).toEqual([10, 11, 12, 20]);
  expect(fold.nextDue()).toBe(30);
  fold.advance(30);
  expect(split(fold.complete()).sent).toEqual([30]);
});

test("X7: a timer that throws is a dead letter of its own; what it changed, set and sent is undone", () => {
  let broken = true;
  const { fold, set, fired, state } = timers({ 13: [14] }, () => broken);
  for (const time of [12, 13, 15]) set(time);
  fold.advance(20);
  const { sent, letters } = split(fold.complete());
  expect(sent).toEqual([12, 15]);
  expect(fired()).toEqual(["12", "15"]);
  expect(state.table("timers").size).toBe(0);
  expect(state.counters.byOperator().get("timers")).toMatchObject({ dead: 1 });
  expect(letters).toMatchObject([
    { kind: "timer", operator: "timers", unit: { operator: "timers", about: { time: 13 } } },
  ]);
  // Mended and redriven, it does all of that; what it sets for a time that has passed fires at once.
  broken = false;
  fold.redrive({ ...letters[0]!, id: "t@1#0" });
  expect(split(fold.complete()).sent).toEqual([13, 14]);
  expect(fired()).toEqual(["12", "15", "13", "14"]);
  expect(fold.nextDue()).toBe(Number.POSITIVE_INFINITY);
});
