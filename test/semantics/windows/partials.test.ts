import { count, custom, hopping, max, tumbling, type AlignedWindows } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { Aggregation } from "../../../lib/operators/aggregation.ts";
import { OpenWindows } from "../../../lib/operators/open-windows.ts";
import { WindowAggregate } from "../../../lib/operators/window-aggregate.ts";
import { encodeKey } from "../../../lib/state/key.ts";
import { TaskState } from "../../../lib/state/task-state.ts";

const aggregates = {
  n: count(),
  most: max((n: number) => n),
  all: custom<number, number[], string>({
    state: z.array(z.number()),
    init: () => [],
    add: (list, n) => [...list, n],
    merge: (a, b) => [...a, ...b],
    result: (list) => list.toSorted((a, b) => a - b).join(" "),
  }),
};
const key = { key: "a" };
const keyCode = encodeKey(key);

/** An operator alone, and what it sends. */
function operator(assigner: AlignedWindows, allowedLateness: number) {
  const state = new TaskState();
  const rows: unknown[] = [];
  const spec = {
    name: "w",
    assigner,
    allowedLateness,
    trigger: undefined,
    keyFields: ["key"],
    aggregates,
    delay: 0,
    evolution: { version: 1, changes: new Map() },
  };
  const context = {
    state,
    now: () => 0,
    enter: () => undefined,
    count: () => undefined,
    send: () => undefined,
    traces: () => [],
    traced: (_traces: unknown, work: () => void) => work(),
  };
  const window = new WindowAggregate(spec, context as never, (row) => rows.push(row), undefined);
  const advance = (watermark: number) => {
    if (watermark <= state.watermark) return;
    for (const unit of window.closeUpTo(watermark)) unit.run();
    state.watermark = watermark;
  };
  return { window, advance, rows };
}

test("what was aggregated elsewhere of parts of windows makes the rows that its records make", () => {
  const records = fc.array(fc.record({ time: fc.nat(60), n: fc.nat(99) }), { maxLength: 40 });
  const kinds = fc.constantFrom(tumbling({ millis: 10 }), hopping({ size: { millis: 20 }, every: { millis: 10 } }));
  fc.assert(
    fc.property(fc.array(records, { maxLength: 6 }), kinds, fc.nat(20), (batches, assigner, lateness) => {
      const whole = operator(assigner, lateness);
      const parts = operator(assigner, lateness);
      const aggregation = new Aggregation("w", aggregates);
      let watermark = 0;
      for (const batch of batches) {
        const sums = new Map<
          string,
          { start: number; end: number; accumulators: readonly unknown[]; records: number }
        >();
        for (const { time, n } of batch) {
          whole.window.push(n, { time, key, keyCode });
          for (const window of assigner.assign(time)) {
            const id = `${window.start} ${window.end}`;
            const before = sums.get(id);
            const accumulators = aggregation.add(before?.accumulators, aggregation.inputsOf(n, time));
            sums.set(id, { ...window, accumulators, records: (before?.records ?? 0) + 1 });
          }
        }
        for (const { start, end, accumulators, records: folded } of sums.values()) {
          const isOpen = parts.window.foldPartial({ start, end }, { time: start, key, keyCode }, accumulators, folded);
          expect(isOpen).toBe(end + lateness > watermark);
        }
        watermark = Math.max(watermark, ...batch.map(({ time }) => time));
        whole.advance(watermark);
        parts.advance(watermark);
      }
      whole.advance(1_000);
      parts.advance(1_000);
      expect(parts.rows).toEqual(whole.rows);
    }),
    { numRuns: 200 },
  );
});

test("an entry that no build writes is refused when it is loaded, by name", () => {
  const aggregation = new Aggregation("w", aggregates);
  const good = [1, 1, [1]];
  const restore = OpenWindows.restorer(tumbling({ millis: 10 }), aggregation, true);
  expect(() => restore([good, null, [0, 1, null, null, [[0, 10, good]]]])).not.toThrow();
  expect(() => restore([null, 5, null])).not.toThrow();
  const wrong: unknown[] = [
    good,
    [good, null],
    [good, "5", null],
    [[1], null, null],
    [good, null, [0, 1, null, null]],
    [good, null, [-1, 1, null, null, []]],
    [good, null, [0, 1.5, null, null, []]],
    [good, null, [0, 1, "x", null, []]],
    [good, null, [0, 1, null, null, 7]],
    [good, null, [0, 1, null, null, [7]]],
    [good, null, [0, 1, null, null, [[0, "10", good]]]],
    [good, null, [0, 1, null, null, [[0, 10, [1]]]]],
  ];
  for (const value of wrong) {
    expect(() => restore(value), JSON.stringify(value)).toThrow(
      expect.objectContaining({ kind: "systemic", code: "state/accumulator" }) as Error,
    );
  }
});
