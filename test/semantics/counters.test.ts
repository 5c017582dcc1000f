import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { event } from "../support/events-pipeline.ts";
import { record, Rig } from "../support/rig.ts";

const events = kinesis("events", {
  schema: event,
  key: { key: (e) => e.key },
  eventTime: (e) => e.time,
  disorder: {},
  idle: "never",
  maxFuture: "unbounded",
});

/** What a value does: 0 is filtered, 1 and 2 are folded, the others fail at one place each. */
const AFTER_FILTER = 3;
const IN_SECOND_BRANCH = 4;
const IN_SCHEMA = 5;

const flow = pipeline(
  "counted",
  (start) => {
    const checked = start
      .from(events)
      .filter("not-zero", (e) => e.value !== 0)
      .map("check", (e) => {
        if (e.value === AFTER_FILTER) throw new Error("after the filter");
        return e;
      });
    const windows = checked.byKey.window("tens", tumbling({ millis: 10 })).aggregate({ events: count() });
    windows.to(lake("counts", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint }));
    windows.late.to(lake("late", { key: text, time: bigint, value: bigint }));
    checked
      .map("second", (e) => {
        if (e.value === IN_SECOND_BRANCH) throw new Error("in the second branch");
        return e;
      })
      .to(lake("copies", { key: text, time: bigint, value: bigint }));
  },
  { poison: { share: 1 } },
);

test("in = folded + filtered + late + dead, wherever records fail, and no operator counts what a dead one did", async () => {
  await fc.assert(
    fc.asyncProperty(
      fc.array(fc.record({ time: fc.integer({ min: 0, max: 60 }), value: fc.integer({ min: 0, max: 5 }) }), {
        maxLength: 40,
      }),
      fc.integer({ min: 1, max: 10 }),
      fc.boolean(),
      async (input, size, cold) => {
        const rig = new Rig(flow);
        const records = input.map(({ time, value }, i) =>
          record(i + 1, { key: "a", time, value: value === IN_SCHEMA ? "five" : value }),
        );
        let task = rig.task();
        for (let from = 0; from < records.length; from += size) {
          await task.turn({ kind: "records", records: records.slice(from, from + size) });
          if (cold) task = rig.task();
        }
        await task.turn({ kind: "drain" });
        const counters = await rig.counters();
        const of = (operator: string) =>
          counters.get(operator) ?? { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, closed: 0 };
        const [source, filter, window] = [of("events"), of("not-zero"), of("tens")];
        const dead = input.filter(({ value }) => value >= AFTER_FILTER).length;
        const filtered = input.filter(({ value }) => value === 0).length;
        expect(source).toMatchObject({ in: input.length, dead });
        expect(source.in).toBe(window.folded + filter.filtered + window.late + source.dead);
        expect(filter).toMatchObject({ in: input.length - dead, filtered, dead: 0 });
        for (const operator of ["check", "tens", "second", "copies"])
          expect(of(operator)).toMatchObject({ in: input.length - dead - filtered, dead: 0 });
        expect(window.in).toBe(window.folded + window.late);
        expect(of("late")).toMatchObject({ in: window.late, folded: window.late });
        expect(of("copies").folded).toBe(rig.rows("copies").length);
        expect(of("counts").folded).toBe(window.closed);
        expect(rig.deadLetters()).toHaveLength(dead);
      },
    ),
    { numRuns: 150 },
  );
});
