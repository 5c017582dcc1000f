import {
  countWindow,
  cumulative,
  globalWindow,
  hopping,
  session,
  sliding,
  tumbling,
  windows,
  type TimeWindows,
  type WindowAssigner,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import {
  naiveLateSessions,
  naiveSessions,
  naiveSliding,
  naiveTimeWindows,
  type NaiveSeen,
} from "../../support/naive-kinds.ts";
import { sorted } from "../../support/naive-windows.ts";
import { eventsOf, feedings, run, textOf, windowed, type Numbered, type SeenRow } from "../../support/windowed.ts";

const upTo = (max: number) => fc.integer({ min: 0, max });
const times = fc.record({ disorder: upTo(30), lateness: upTo(30) });

/** Windows by definition, a loop over every start: nothing of the library's arithmetic. */
const every = (starts: (start: number) => boolean, lengths: readonly number[]) => (time: number) => {
  const found: { start: number; end: number }[] = [];
  for (let start = time - 200; start <= time; start++) {
    if (!starts(start)) continue;
    for (const length of lengths) if (time < start + length) found.push({ start, end: start + length });
  }
  return found;
};
const isMultiple = (n: number, of: number, offset = 0) => Math.abs((n - offset) % of) === 0;

/** Two that share an end, one that overlaps both, and none for some times. */
const odd = windows<Numbered>({
  version: 1,
  assign: (time) => {
    if (isMultiple(time, 7)) return [];
    const ten = Math.floor(time / 10) * 10;
    return [
      { start: ten, end: ten + 10 },
      { start: ten - 10, end: ten + 10 },
      { start: ten - 5, end: ten + 15 },
    ];
  },
});

const TIME_WINDOWS: readonly (readonly [
  name: string,
  assigner: TimeWindows<Numbered>,
  byDefinition: (time: number) => readonly { start: number; end: number }[],
])[] = [
  ["tumbling", tumbling({ millis: 10 }), every((start) => isMultiple(start, 10), [10])],
  [
    "tumbling with an offset",
    tumbling({ millis: 10 }, { offset: { millis: 3 } }),
    every((start) => isMultiple(start, 10, 3), [10]),
  ],
  ["hopping", hopping({ size: { millis: 30 }, every: { millis: 10 } }), every((start) => isMultiple(start, 10), [30])],
  [
    "hopping by a part that does not divide the size, with an offset",
    hopping({ size: { millis: 25 }, every: { millis: 10 }, offset: { millis: 4 } }),
    every((start) => isMultiple(start, 10, 4), [25]),
  ],
  [
    "hopping with gaps",
    hopping({ size: { millis: 5 }, every: { millis: 12 } }),
    every((start) => isMultiple(start, 12), [5]),
  ],
  [
    "cumulative",
    cumulative({ size: { millis: 30 }, step: { millis: 10 } }),
    (time) => every((start) => isMultiple(start, 30), [10, 20, 30])(time),
  ],
  ["custom", odd, (time) => odd.assign(time, undefined as never)],
];

const KINDS: readonly (readonly [
  name: string,
  assigner: WindowAssigner<Numbered>,
  naive: (events: readonly Numbered[], times: { disorder: number; lateness: number }) => NaiveSeen,
])[] = [
  ...TIME_WINDOWS.map(
    ([name, assigner, byDefinition]) =>
      [
        name,
        assigner,
        (events: readonly Numbered[], time: { disorder: number; lateness: number }) =>
          naiveTimeWindows(events, byDefinition, time),
      ] as const,
  ),
  ["session", session({ gap: { millis: 10 } }), (events, time) => naiveLateSessions(events, () => 10, time)],
  [
    "session with gaps of the records' own",
    session<Numbered>({ gap: (event) => ({ millis: event.gap ?? 1 }) }),
    (events, time) => naiveLateSessions(events, (event) => event.gap ?? 1, time),
  ],
  ["sliding", sliding({ preceding: { millis: 20 } }), (events, time) => naiveSliding(events, 20, time)],
];

const withGaps = (all: readonly Numbered[]) => all.map((event) => ({ ...event, gap: 1 + ((event.n * 7) % 23) }));

describe.each(KINDS)("%s", (_name, assigner, naive) => {
  test("rows and late records equal a naive oracle's, however batches are cut, in warm and cold processes (X3)", async () => {
    await fc.assert(
      fc.asyncProperty(eventsOf(), feedings, times, async (input, feeding, time) => {
        const events = withGaps(input);
        const { disorder, lateness } = time;
        const found = await run(
          windowed(assigner, { disorder, allowedLateness: { millis: lateness } }),
          events,
          feeding,
        );
        const expected = naive(events, time);
        expect(sorted(found.rows)).toEqual(sorted(expected.rows));
        expect(found.late.toSorted((a, b) => a - b)).toEqual(expected.late.toSorted((a, b) => a - b));
        const counts = (await found.rig.counters()).get("w");
        const { folded = 0, late = 0, filtered = 0, dead = 0 } = counts ?? {};
        expect(folded + late + filtered + dead).toBe(events.length);
        expect(late).toBe(expected.late.length);
        expect(filtered).toBe(expected.filtered);
        expect(counts?.closed ?? 0).toBe(expected.rows.length);
      }),
      { numRuns: 120 },
    );
  });

  test("X7: a record that fails in its window changes nothing, whatever it would have joined", async () => {
    const poisoned = fc.array(fc.record({ at: fc.nat(40), time: fc.integer({ min: -40, max: 120 }) }), {
      maxLength: 10,
    });
    await fc.assert(
      fc.asyncProperty(eventsOf(), poisoned, feedings, async (input, poison, feeding) => {
        const events = withGaps(input);
        const flow = windowed(assigner, { disorder: 20, allowedLateness: { millis: 5 } });
        const mixed: Numbered[] = [...events];
        poison.forEach(({ at, time }, i) => {
          // One that is in no window is filtered, and moves event time.
          if (assigner.kind === "time" && assigner.assign(time, events[0]!).length === 0) return;
          mixed.splice(at % (mixed.length + 1), 0, { key: "a", time, n: 1_000 + i, isPoison: true, gap: 15 });
        });
        const clean = await run(flow, events);
        const found = await run(flow, mixed, feeding);
        expect(sorted(found.rows)).toEqual(sorted(clean.rows));
        expect(found.late.filter((n) => n < 1_000)).toEqual(clean.late);
      }),
      { numRuns: 60 },
    );
  });

  test("X9: when all has closed, nothing is left of it", async () => {
    const events = Array.from({ length: 30 }, (_, n): Numbered => ({ key: n % 2 ? "a" : "b", time: n * 3, n, gap: 4 }));
    const { rig } = await run(
      windowed(assigner),
      [...events, { key: "z", time: 10_000, n: 99, gap: 4 }],
      undefined,
      false,
    );
    const tables = await rig.tables();
    for (const [name, { put }] of tables) {
      expect(
        put.flatMap(([, keys]) => keys.filter((key) => !key.endsWith("sz"))),
        name,
      ).toEqual([]);
    }
  });
});

describe("sessions", () => {
  test("of records none of which is late are those of a batch, in whatever order they come", async () => {
    await fc.assert(
      fc.asyncProperty(eventsOf({ max: 200 }), feedings, async (input, feeding) => {
        const events = withGaps(input);
        const gap = session<Numbered>({ gap: (event) => ({ millis: event.gap! }) });
        const { rows, late } = await run(windowed(gap, { disorder: 240 }), events, feeding);
        expect(late).toEqual([]);
        expect(sorted(rows)).toEqual(sorted(naiveSessions(events, (event) => event.gap!)));
      }),
      { numRuns: 150 },
    );
  });

  test("a single event is a session", async () => {
    const { rows } = await run(windowed(session({ gap: { millis: 10 } })), [{ key: "a", time: 5, n: 1 }]);
    expect(rows).toEqual([{ key: "a", window_start: 5, window_end: 15, seen: "1" }]);
  });

  test("one closes with the watermark at its end, and not before", async () => {
    const at = (n: number, time: number): Numbered => ({ key: "a", time, n });
    const gap = session({ gap: { millis: 10 } });
    const open = await run(windowed(gap), [at(1, 0), at(2, 9), at(3, 18)], undefined, false);
    expect(open.rows).toEqual([]);
    const closed = await run(windowed(gap), [at(1, 0), at(2, 9), at(3, 19)], undefined, false);
    expect(closed.rows).toEqual([{ key: "a", window_start: 0, window_end: 19, seen: "1 2" }]);
  });

  test("a gap that is none makes the record a dead letter", async () => {
    const gap = session<Numbered>({ gap: (event) => ({ millis: event.gap! }) });
    const { rig, rows } = await run(windowed(gap), [
      { key: "a", time: 1, n: 1, gap: 0 },
      { key: "a", time: 2, n: 2, gap: 3 },
    ]);
    expect(rig.deadLetters()).toMatchObject([{ operator: "w", reason: { code: "window/gap" } }]);
    expect(rows).toMatchObject([{ seen: "2" }]);
  });
});

describe("without event time", () => {
  test("count windows hold so many records of a key in the order in which they come, the last ones what is left", async () => {
    await fc.assert(
      fc.asyncProperty(eventsOf(), feedings, fc.integer({ min: 1, max: 7 }), async (events, feeding, size) => {
        const { rows, late, rig } = await run(windowed(countWindow(size)), events, feeding);
        const expected = ["a", "b"].flatMap((key) => {
          const mine = events.filter((event) => event.key === key);
          return Array.from({ length: Math.ceil(mine.length / size) }, (_, i): SeenRow => {
            const members = mine.slice(i * size, (i + 1) * size);
            return {
              key,
              window_start: Math.min(...members.map(({ time }) => time)),
              window_end: Math.max(...members.map(({ time }) => time)) + 1,
              seen: textOf(members.map(({ n }) => n)),
            };
          });
        });
        expect(sorted(rows)).toEqual(sorted(expected));
        expect(late).toEqual([]);
        expect((await rig.counters()).get("w")?.closed ?? 0).toBe(expected.length);
      }),
      { numRuns: 100 },
    );
  });

  test("the global window holds everything, and closes when the input has ended", async () => {
    const events = Array.from({ length: 9 }, (_, n): Numbered => ({ key: n % 2 ? "a" : "b", time: 100 - n, n }));
    expect((await run(windowed(globalWindow()), events, undefined, false)).rows).toEqual([]);
    expect(sorted((await run(windowed(globalWindow()), events)).rows)).toEqual([
      { key: "a", seen: "1 3 5 7" },
      { key: "b", seen: "0 2 4 6 8" },
    ]);
  });
});
