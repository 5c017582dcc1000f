import { double, eventTime, lake, pipeline, processingTime, text, value, type Pipeline } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage, type ControlMessage } from "../../lib/runtime/tick.ts";
import { record, Rig } from "../support/rig.ts";
import { eventsOf } from "./events.ts";

const source = eventsOf(z.object({ key: z.string(), time: z.number() }), 0);
const rows = lake("rows", { key: text, timer: text, records: double }) as never;

const first = (onTimer: (timer: string) => void): Pipeline =>
  pipeline(
    "letters",
    (flow) => {
      flow
        .from(source)
        .byKey.process("counted", {
          state: { records: value(z.number(), { initial: 0 }) },
          timers: { quiet: eventTime, gone: eventTime, turned: eventTime, woken: processingTime },
          onRecord({ time }, { state, timers }) {
            state.records.set(state.records.get() + 1);
            for (const one of [timers.quiet, timers.gone, timers.turned]) one.set(time + 10);
            timers.woken.after({ millis: 10 });
          },
          *onTimer(timer, { key, state }) {
            onTimer(timer);
            yield { key: key.key, timer, records: state.records.get() };
          },
        })
        .to(rows);
    },
    { poison: { share: 1 } },
  );

/** State has another form; one timer is gone, and another one of its name is of the other kind of time. */
const second: Pipeline = pipeline("letters", (flow) => {
  flow
    .from(source)
    .byKey.process("tallied", {
      was: ["counted"],
      version: 2,
      migrate: { 1: { removed: ["timers.gone", "timers.turned"] } },
      state: {
        records: value(z.string(), { initial: "", version: 2, migrate: { 1: (n: number) => "|".repeat(n) } }),
      },
      timers: { woken: processingTime, turned: processingTime, quiet: eventTime },
      onRecord({ time }, { state, timers }) {
        state.records.set(`${state.records.get()}|`);
        timers.quiet.set(time + 10);
        timers.woken.after({ millis: 10 });
      },
      *onTimer(timer, { key, state }) {
        yield { key: key.key, timer, records: state.records.get().length };
      },
    })
    .to(rows);
});

const messageOf = (letter: DeadLetter): ControlMessage => parseControlMessage(redriveBody(JSON.stringify(letter)))!;

/** Everything fires, of two keys; then there is more. */
async function run(before: Pipeline, after: Pipeline): Promise<Rig> {
  const rig = new Rig(before);
  const at = (n: number, key: string, time: number) => record(n, { key, time });
  await rig.task().turn({ kind: "records", records: [at(1, "a", 1), at(2, "b", 2), at(3, "a", 3)] });
  rig.now += 100;
  await rig.task().turn({ kind: "records", records: [at(4, "c", 50)] });
  rig.deploy(after, "build-2");
  await rig.task().turn({ kind: "sweep" });
  return rig;
}

test("timers that version 1 has set aside fire in version 2, by its code; those that were taken out go", async () => {
  const rig = await run(
    first(() => {
      throw new Error("not yet");
    }),
    second,
  );
  const letters = rig.deadLetters();
  expect(letters.map(({ unit }) => [unit!.table, unit!.about["timer"]]).sort()).toEqual(
    [
      ...Array.from({ length: 2 }, () => ["quiet", "gone", "turned"].map((timer) => ["counted$timers", timer])).flat(),
      ...Array.from({ length: 2 }, () => ["counted$wakes", "woken"]),
    ].sort(),
  );
  for (const letter of [...letters, ...letters]) await rig.process().control(messageOf(letter));
  const oracle = await run(
    first(() => undefined),
    first(() => undefined),
  );
  const kept = oracle.rows<{ timer: string }>("rows").filter(({ timer }) => timer === "quiet" || timer === "woken");
  expect(kept).toHaveLength(4);
  const sorted = (all: readonly unknown[]) => all.map((row) => JSON.stringify(row)).toSorted();
  expect(sorted(rig.rows("rows"))).toEqual(sorted(kept));
  expect(rig.deadLetters()).toHaveLength(letters.length);
});

test("a timer whose letter does not say its shape is not taken for one of its name", async () => {
  const rig = await run(
    first(() => {
      throw new Error("not yet");
    }),
    second,
  );
  const before = await rig.header();
  for (const letter of rig.deadLetters()) {
    const { shape: _shape, table: _table, ...unit } = letter.unit!;
    await expect(rig.process().control(messageOf({ ...letter, unit }))).rejects.toMatchObject({
      code: "redrive/no-shape",
      message: expect.stringContaining('holds a timer of operator "counted"') as string,
    });
  }
  expect(await rig.header()).toEqual(before);
});
