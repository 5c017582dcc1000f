import {
  globalWindow,
  hopping,
  session,
  tumbling,
  type Accumulation,
  type WindowAssigner,
  type WindowTrigger,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { naiveLateSessions, naiveTimeWindows } from "../../support/naive-kinds.ts";
import { sorted } from "../../support/naive-windows.ts";
import {
  eventsOf,
  feedings,
  run,
  textOf,
  timeline,
  watermarksOf,
  windowed,
  type Numbered,
  type SeenRow,
} from "../../support/windowed.ts";

const firings = fc.constantFrom<WindowTrigger["late"] & {}>("onUpdate", { records: 2 }, { records: 3 });
const triggers: fc.Arbitrary<WindowTrigger> = fc
  .record({
    early: fc.option(
      fc.oneof(firings, fc.constant({ eventTime: { millis: 4 } }), fc.constant({ processingTime: { millis: 10 } })),
      { nil: undefined },
    ),
    late: fc.option(firings, { nil: undefined }),
  })
  .filter(({ early, late }) => early !== undefined || late !== undefined)
  .map(({ early, late }) => ({ ...(early && { early }), ...(late && { late }) }));
const times = fc.record({ disorder: fc.nat(20), lateness: fc.nat(25) });

const numbersIn = ({ seen }: SeenRow): number[] => (seen === "" ? [] : seen.split(" ").map(Number));
const groupsOf = (rows: readonly SeenRow[]): Map<string, SeenRow[]> => {
  const groups = new Map<string, SeenRow[]>();
  for (const row of rows) {
    const id = `${row.key} ${row.window_start} ${row.window_end}`;
    groups.set(id, [...(groups.get(id) ?? []), row]);
  }
  return groups;
};
const ranks = { early: 0, onTime: 1, late: 2 };

/** Windows that are the same whatever comes: those of an event's time. */
const FIXED = [
  [
    "tumbling",
    tumbling({ millis: 10 }),
    (time: number) => [{ start: Math.floor(time / 10) * 10, end: Math.floor(time / 10) * 10 + 10 }],
  ],
  [
    "hopping",
    hopping({ size: { millis: 20 }, every: { millis: 10 } }),
    (time: number) =>
      [0, 10].map((back) => ({
        start: Math.floor(time / 10) * 10 - back,
        end: Math.floor(time / 10) * 10 - back + 20,
      })),
  ],
] as const;

describe.each(FIXED)("%s windows that fire more than once", (_name, assigner, windowsOf) => {
  const check = async (
    accumulation: Accumulation,
    law: (rows: readonly SeenRow[], members: readonly number[], trigger: WindowTrigger) => void,
  ) =>
    fc.assert(
      fc.asyncProperty(eventsOf(), feedings, times, triggers, async (events, feeding, time, trigger) => {
        const options = { disorder: time.disorder, allowedLateness: { millis: time.lateness }, trigger, accumulation };
        const { rows, late } = await run(windowed(assigner, options), events, feeding);
        const expected = naiveTimeWindows(events, windowsOf, time);
        expect(late.toSorted((a, b) => a - b)).toEqual(expected.late.toSorted((a, b) => a - b));
        const found = groupsOf(rows);
        expect([...found.keys()].toSorted()).toEqual([...groupsOf(expected.rows).keys()].toSorted());
        for (const [id, [window]] of groupsOf(expected.rows)) {
          const group = found.get(id)!;
          const standing = group.filter(({ sign }) => sign !== -1);
          // Rows are numbered without a gap, and come in the order of early, on time, late.
          expect(standing.map(({ pane_index }) => pane_index)).toEqual(standing.map((_, i) => i));
          const order = standing.map(({ pane }) => ranks[pane!]);
          expect(order).toEqual(order.toSorted((a, b) => a - b));
          expect(standing.filter(({ pane }) => pane === "onTime").length).toBeLessThanOrEqual(1);
          if (trigger.late === undefined) expect(standing.some(({ pane }) => pane === "late")).toBe(false);
          if (trigger.early === undefined) expect(standing.some(({ pane }) => pane === "early")).toBe(false);
          law(group, numbersIn(window!), trigger);
        }
      }),
      { numRuns: 150 },
    );

  test("discarding: each record is in one row, and no row is empty", () =>
    check("discarding", (rows, members) => {
      expect(textOf(rows.flatMap(numbersIn))).toBe(textOf(members));
      for (const row of rows) expect(numbersIn(row).length).toBeGreaterThan(0);
    }));

  test("accumulating: each row holds all of the one before, and the last one everything", () =>
    check("accumulating", (rows, members, trigger) => {
      rows.reduce((before, row) => {
        const now = numbersIn(row);
        expect(before.every((n) => now.includes(n))).toBe(true);
        return now;
      }, [] as number[]);
      expect(rows.at(-1)!.seen).toBe(textOf(members));
      if (trigger.late === undefined) expect(rows.at(-1)!.pane).toBe("onTime");
    }));

  test("retracting: each row but the first takes back the one before it, and the sum of all is the window", () =>
    check("retracting", (rows, members) => {
      let before: SeenRow | undefined;
      for (const row of rows) {
        if (row.sign === -1) {
          expect(row.seen).toBe(before!.seen);
          before = undefined;
        } else {
          expect(before).toBeUndefined();
          before = row;
        }
      }
      const counts = new Map<number, number>();
      for (const row of rows) for (const n of numbersIn(row)) counts.set(n, (counts.get(n) ?? 0) + row.sign!);
      expect(counts).toEqual(new Map(rows.flatMap(numbersIn).map((n) => [n, members.includes(n) ? 1 : 0])));
    }));

  test("on every update: a row for each record that comes before the end, and for each after it", async () => {
    await fc.assert(
      fc.asyncProperty(eventsOf(), feedings, times, async (events, feeding, time) => {
        const trigger = { early: "onUpdate", late: "onUpdate" } as const;
        const options = { disorder: time.disorder, allowedLateness: { millis: time.lateness }, trigger };
        const { rows } = await run(windowed(assigner, options), events, feeding);
        const watermarks = watermarksOf(events, time.disorder);
        for (const group of groupsOf(rows).values()) {
          const { key, window_start: start, window_end: end } = group[0]!;
          const came = events.flatMap((event, i) =>
            event.key === key && event.time >= start! && event.time < end! ? [watermarks[i]!] : [],
          );
          const early = came.filter((watermark) => watermark < end!).length;
          const late = came.filter((watermark) => watermark >= end! && watermark < end! + time.lateness).length;
          const count = (pane: string) => group.filter((row) => row.pane === pane).length;
          expect([count("early"), count("onTime"), count("late")]).toEqual([early, early > 0 ? 1 : 0, late]);
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("whatever the trigger", () => {
  const deterministic = triggers.filter(({ early }) => !(typeof early === "object" && "processingTime" in early));
  const kinds = fc.constantFrom<WindowAssigner<Numbered>>(
    tumbling({ millis: 10 }),
    hopping({ size: { millis: 20 }, every: { millis: 10 } }),
    session({ gap: { millis: 8 } }),
  );
  const modes = fc.constantFrom<Accumulation>("discarding", "accumulating", "retracting");

  test("X3: rows do not depend on how batches are cut, nor on whether processes know anything", async () => {
    await fc.assert(
      fc.asyncProperty(
        eventsOf(),
        feedings,
        times,
        deterministic,
        kinds,
        modes,
        async (events, feeding, time, trigger, kind, accumulation) => {
          const flow = windowed(kind, {
            disorder: time.disorder,
            allowedLateness: { millis: time.lateness },
            trigger,
            accumulation,
          });
          const whole = await run(flow, events);
          const found = await run(flow, events, feeding);
          expect(found.rows).toEqual(whole.rows);
          expect(found.late).toEqual(whole.late);
        },
      ),
      { numRuns: 150 },
    );
  });

  test("X7: a record that fails in its window makes no row and undoes what it joined", async () => {
    const poisoned = fc.array(fc.record({ at: fc.nat(40), time: fc.integer({ min: -40, max: 120 }) }), {
      maxLength: 10,
    });
    await fc.assert(
      fc.asyncProperty(
        eventsOf(),
        poisoned,
        feedings,
        deterministic,
        kinds,
        modes,
        async (events, poison, feeding, trigger, kind, accumulation) => {
          const flow = windowed(kind, { disorder: 15, allowedLateness: { millis: 5 }, trigger, accumulation });
          const mixed: Numbered[] = [...events];
          poison.forEach(({ at, time }, i) =>
            mixed.splice(at % (mixed.length + 1), 0, { key: "a", time, n: 1_000 + i, isPoison: true }),
          );
          expect((await run(flow, mixed, feeding)).rows).toEqual((await run(flow, events)).rows);
        },
      ),
      { numRuns: 100 },
    );
  });

  test("X9: when all has closed, nothing is left", async () => {
    await fc.assert(
      fc.asyncProperty(
        eventsOf(),
        feedings,
        triggers,
        kinds,
        modes,
        async (events, feeding, trigger, kind, accumulation) => {
          const flow = windowed(kind, { disorder: 5, allowedLateness: { millis: 5 }, trigger, accumulation });
          const last: Numbered = { key: "z", time: 1_000, n: 10_000 };
          const { rig } = await run(flow, [...events, last], feeding, false);
          for (const [name, { put }] of await rig.tables()) {
            expect(
              put.flatMap(([, keys]) => keys.filter((key) => !key.endsWith("sz"))),
              name,
            ).toEqual([]);
          }
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a final result once: without a trigger sessions have the rows that retracting leaves standing", async () => {
    await fc.assert(
      fc.asyncProperty(eventsOf(), feedings, triggers, times, async (events, feeding, trigger, time) => {
        const gap = session({ gap: { millis: 8 } });
        const options = { disorder: time.disorder, allowedLateness: { millis: time.lateness } };
        const { rows } = await run(windowed(gap, { ...options, trigger, accumulation: "retracting" }), events, feeding);
        const standing = new Map<string, number>();
        for (const { key, window_start, window_end, seen, sign } of rows) {
          const row = JSON.stringify({ key, window_start, window_end, seen });
          standing.set(row, (standing.get(row) ?? 0) + sign!);
        }
        const left = [...standing]
          .filter(([, n]) => n !== 0)
          .map(([row, n]) => [JSON.parse(row) as SeenRow, n] as const);
        const expected = naiveLateSessions(events, () => 8, time).rows;
        expect(sorted(left)).toEqual(sorted(expected.map((row) => [row, 1] as const)));
      }),
      { numRuns: 150 },
    );
  });
});

describe("early rows by processing time", () => {
  const at = (n: number, time: number): Numbered => ({ key: "a", time, n });

  test("come with the turn that finds the time has passed, if something has come since the last; a tick is sent for it", async () => {
    const { rig, feed, tick, panes } = timeline(
      windowed(tumbling({ millis: 100 }), { trigger: { early: { processingTime: { seconds: 10 } } } }),
    );
    await feed(at(1, 1));
    expect(rig.ticks().map((each) => each.at)).toEqual([1_010_000]);
    rig.now = 1_009_999;
    await feed(at(2, 2));
    expect(panes()).toEqual([]);
    rig.now = 1_010_000;
    await tick();
    expect(panes()).toEqual([["early", "1 2"]]);
    rig.now = 1_030_000;
    await feed(at(3, 3));
    rig.now = 1_040_000;
    await feed(at(4, 4));
    expect(panes()).toEqual([
      ["early", "1 2"],
      ["early", "1 2 3"],
    ]);
    await feed(at(5, 100));
    expect(panes().at(-1)).toEqual(["onTime", "1 2 3 4"]);
  });

  test("none comes after the window's end", async () => {
    const { rig, feed, panes } = timeline(
      windowed(tumbling({ millis: 100 }), {
        allowedLateness: { millis: 50 },
        trigger: { early: { processingTime: { seconds: 10 } } },
      }),
    );
    await feed(at(1, 1), at(2, 120));
    rig.now += 20_000;
    await feed(at(3, 121));
    expect(panes()).toEqual([["early", "2"]]); // of the window that has not ended
    await feed(at(4, 150));
    expect(panes()).toEqual([
      ["early", "2"],
      ["onTime", "1"],
    ]);
  });
});

test("the global window makes early rows of everything so far", async () => {
  const events = Array.from({ length: 5 }, (_, n): Numbered => ({ key: "a", time: 100 - n, n }));
  const flow = windowed(globalWindow(), { trigger: { early: { records: 2 } } });
  const { rows } = await run(flow, events);
  expect(rows).toEqual([
    { key: "a", pane: "early", pane_index: 0, seen: "0 1" },
    { key: "a", pane: "early", pane_index: 1, seen: "0 1 2 3" },
    { key: "a", pane: "onTime", pane_index: 2, seen: "0 1 2 3 4" },
  ]);
});
