import { bigint, kinesis, lake, pipeline } from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { folding } from "../support/folding.ts";
import { sorted } from "../support/naive-windows.ts";
import { record, Rig, SMALL_LIMITS } from "../support/rig.ts";

const event = z.object({ key: z.string(), time: z.number(), id: z.union([z.string(), z.number()]), n: z.number() });
type Event = z.infer<typeof event>;

const WITHIN = 20;
const DISORDER = 10;

const unique = () =>
  pipeline("unique", (flow) => {
    const events = kinesis("events", {
      schema: event,
      key: { key: (e) => e.key },
      eventTime: (e) => e.time,
      disorder: { millis: DISORDER },
      idle: "never",
      maxFuture: "unbounded",
    });
    const once = flow.from(events).byKey.deduplicate("once", { id: (e) => e.id, within: { millis: WITHIN } });
    once.map("first", ({ n }) => ({ n })).to(lake("firsts", { n: bigint }));
    once.late.map("tardy", ({ n }) => ({ n })).to(lake("late", { n: bigint }));
  });

const events = fc
  .array(
    fc.record({
      key: fc.constantFrom("a", "b"),
      time: fc.integer({ min: 0, max: 120 }),
      id: fc.constantFrom<string | number>("1", 1, "", "__proto__"),
    }),
    { maxLength: 40 },
  )
  .map((all) => all.map((one, n): Event => ({ ...one, n })));

/** What the documentation says, over the whole past. */
function naive(input: readonly Event[]): {
  readonly firsts: number[];
  readonly late: number[];
  readonly repeats: number[];
} {
  const [firsts, late, repeats]: [Event[], Event[], Event[]] = [[], [], []];
  let watermark = Number.NEGATIVE_INFINITY;
  for (const one of input) {
    const isSame = (first: Event) =>
      first.key === one.key && first.id === one.id && Math.abs(first.time - one.time) < WITHIN;
    if (one.time < watermark) late.push(one);
    else if (firsts.some(isSame)) repeats.push(one);
    else firsts.push(one);
    watermark = Math.max(watermark, one.time - DISORDER);
  }
  const numbers = (of: readonly Event[]) => of.map(({ n }) => n);
  return { firsts: numbers(firsts), late: numbers(late), repeats: numbers(repeats) };
}

const numbersIn = (rig: Rig, sink: string) => rig.rows<{ n: number }>(sink).map(({ n }) => n);

test("exact: the first to arrive wins, whatever the order of event times and however batches are cut", async () => {
  await fc.assert(
    fc.asyncProperty(events, fc.integer({ min: 1, max: 9 }), fc.boolean(), async (input, size, cold) => {
      const rig = new Rig(unique());
      const warm = rig.task();
      const records = input.map((one, i) => record(i + 1, one, { key: one.key }));
      for (let at = 0; at < records.length; at += size) {
        const task = cold ? rig.task({ limits: SMALL_LIMITS }) : warm;
        await task.turn({ kind: "records", records: records.slice(at, at + size) });
      }
      const expected = naive(input);
      expect(numbersIn(rig, "firsts")).toEqual(expected.firsts);
      expect(numbersIn(rig, "late")).toEqual(expected.late);
      const counts = (await rig.counters()).get("once");
      expect(counts?.folded ?? 0).toBe(expected.firsts.length);
      expect(counts?.filtered ?? 0).toBe(expected.repeats.length);
      expect(counts?.late ?? 0).toBe(expected.late.length);
    }),
    { numRuns: 300 },
  );
});

test("X9: ids leave the state when nothing that is not late can meet them", () => {
  const { push, sizeOf } = folding(unique());
  for (let n = 0; n < 500; n++) {
    push({ key: "a", time: n * 5, id: n, n } as Event);
    // Ids of the disorder and the horizon, in steps of 5 ms, and one more for rounding.
    expect(sizeOf("once")).toBeLessThanOrEqual((DISORDER + WITHIN) / 5 + 1);
    expect(sizeOf("once$expiry")).toBe(sizeOf("once"));
  }
});

test("a key's ids are its own, and the text 1 is not the number 1", async () => {
  const rig = new Rig(unique());
  const all: Event[] = [
    { key: "a", time: 1, id: 1, n: 0 },
    { key: "b", time: 1, id: 1, n: 1 },
    { key: "a", time: 2, id: "1", n: 2 },
    { key: "a", time: 3, id: 1, n: 3 },
  ];
  await rig.task().turn({ kind: "records", records: all.map((one, i) => record(i + 1, one, { key: one.key })) });
  expect(sorted(numbersIn(rig, "firsts"))).toEqual([0, 1, 2]);
});
