import { bigint, custom, kinesis, lake, nullable, pipeline, text, tumbling } from "millrace";
import fc from "fast-check";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import { z } from "zod";

const START = 100_000;
const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { millis: 100 } } as const;
const KEYS = ["a", "b"];

const rates = kinesis("rates", { schema: z.object({ key: z.string(), n: z.number(), at: z.number() }), ...timed });
const names = kinesis("names", { schema: z.object({ key: z.string(), n: z.number(), at: z.number() }), ...timed });
const sales = kinesis("sales", { schema: z.object({ key: z.string(), n: z.number(), at: z.number() }), ...timed });
const rows = lake("rows", { n: bigint, name: nullable(bigint), most: nullable(text), again: nullable(bigint) });

const greatest = custom<{ readonly n: number }, number, string>({
  state: z.number(),
  init: () => -1,
  add: (most, { n }) => Math.max(most, n),
  merge: Math.max,
  result: String,
});

/** A table that windows make, and two more: all behind each other, each of which waits in its own way. */
const chained = pipeline("chained", (flow) => {
  const mosts = flow
    .from(rates)
    .keyBy("rates-by-key", { key: (rate) => rate.key })
    .window("hundreds", tumbling({ millis: 100 }), { allowedLateness: { millis: 70 } })
    .aggregate({ most: greatest })
    .toTable("most-by-key", { key: { key: ({ key }) => key }, row: ({ most }) => most });
  const changes = flow.from(names);
  const byKey = {
    key: { key: ({ key }: { readonly key: string }) => key },
    row: ({ n }: { readonly n: number }) => n,
    order: ({ n }: { readonly n: number }) => n,
  };
  const first = changes.toTable("names-by-key", byKey);
  const second = changes.toTable("names-again", byKey);
  flow
    .from(sales)
    .keyBy("sales-by-key", { key: (sale) => sale.key })
    .join("with-name", first, ({ n, key }, name) => ({ n, key, name }), { allowedLateness: { millis: 30 } })
    .byKey.join("with-most", mosts, (sale, most) => ({ ...sale, most }), { allowedLateness: { millis: 10 } })
    .byKey.join("with-name-again", second, ({ n, name, most }, again) => ({ n, name, most, again }))
    .to(rows);
});

const events = fc.array(
  fc.record({
    step: fc.integer({ min: 0, max: 40 }),
    behind: fc.integer({ min: 0, max: 99 }),
    key: fc.constantFrom(...KEYS),
    what: fc.constantFrom("sale", "name", "rate"),
  }),
  { maxLength: 50 },
);

test("joins behind joins, and behind windows: nothing is late that no source has brought late", () => {
  fc.assert(
    fc.property(events, (drawn) => {
      let now = START;
      const all = drawn.map(({ step, behind, key, what }, n) => ({
        what,
        event: { key, n, at: (now += step) - behind },
      }));
      const driver = testDriver(chained, { start: 200_000, deadLetters: "throw" });
      for (const { what, event } of all) driver.push(what === "sale" ? sales : what === "name" ? names : rates, event);
      driver.drain();
      const of = (kind: string) => all.filter(({ what }) => what === kind).map(({ event }) => event);
      const expected = of("sale").map(({ key, n, at }) => {
        const name = of("name")
          .filter((one) => one.key === key && one.at <= at)
          .toSorted((a, b) => a.at - b.at || a.n - b.n)
          .at(-1)?.n;
        const windows = new Map<number, number>();
        for (const rate of of("rate").filter((one) => one.key === key)) {
          const end = (Math.floor(rate.at / 100) + 1) * 100;
          windows.set(end, Math.max(windows.get(end) ?? -1, rate.n));
        }
        const end = [...windows.keys()]
          .filter((one) => one - 1 <= at)
          .sort((a, b) => a - b)
          .at(-1);
        return {
          n,
          name: name ?? null,
          most: end === undefined ? null : String(windows.get(end)),
          again: name ?? null,
        };
      });
      const found = driver.read(rows).map(({ n, name = null, most = null, again = null }) => ({
        n: Number(n),
        name: name === null ? null : Number(name),
        most,
        again: again === null ? null : Number(again),
      }));
      const byNumber = (a: { n: number }, b: { n: number }) => a.n - b.n;
      expect(driver.late).toEqual({});
      expect(found.toSorted(byNumber)).toEqual(expected.toSorted(byNumber));
    }),
    { numRuns: 100 },
  );
});
