import { readFileSync } from "node:fs";
import path from "node:path";
import * as millrace from "millrace";
import {
  approxDistinct,
  approxPercentile,
  collect,
  count,
  distinct,
  filtered,
  first,
  maxBy,
  mean,
  min,
  sum,
  sumDecimal,
  sumExact,
  topN,
  varPop,
} from "millrace";
import { expect, test } from "vitest";
import { packedBytes as packed } from "../../lib/state/codec.ts";
import { ROOT } from "../docs/code-blocks.ts";
import { fold, open, type Open, type Reading } from "./catalogue.ts";

/** Numbers of 9 bytes, texts of 17, at times of today. */
const readings = Array.from({ length: 5000 }, (_, i): Reading => {
  const any = Math.sin(i + 1) * 10 ** (((i * 7) % 24) - 12);
  const text = String(i).padStart(16, "x");
  return { time: 1.764e12 + i, whole: i, any, big: 2n ** 62n + BigInt(i), text, decimal: `${i}.25` };
});
const [number, text] = [9, 17];
const SUM = 5000n * 2n ** 62n + 12_497_500n;

/** What docs/aggregates.md states. */
const stated: Record<string, readonly [aggregate: Open, most: number]> = {
  count: [open(count()), 9],
  sum: [open(sum((r) => r.any)), 19],
  mean: [open(mean((r) => r.any)), 28],
  sumExact: [open(sumExact((r) => r.big)), String(SUM).length + 2],
  sumDecimal: [open(sumDecimal((r) => r.decimal)), "12498750.00".length + 2],
  varPop: [open(varPop((r) => r.any)), 48],
  min: [open(min((r) => r.any)), number],
  maxBy: [open(maxBy({ by: (r) => r.any, value: (r) => r.text })), text + number + 10],
  first: [open(first((r) => r.text)), text + 10],
  topN: [open(topN(20, { by: (r) => r.any, value: (r) => r.text })), 20 * (text + number + 10) + 3],
  collect: [open(collect((r) => r.text, { max: 100 })), 100 * (text + 10) + 3],
  distinct: [open(distinct((r) => r.text, { max: 5000 })), 5000 * text + 3],
  approxDistinct: [open(approxDistinct((r) => r.text)), 4099],
  approxPercentile: [open(approxPercentile((r) => r.any, 0.5)), 16_424],
  filtered: [open(filtered(count(), () => true)), 9 + 1],
};

test.each(Object.entries(stated))("%s takes no more than docs/aggregates.md states", (_name, [aggregate, most]) => {
  let kept = aggregate.init();
  for (const [i, one] of readings.entries()) {
    kept = aggregate.add(kept, aggregate.input(one, one.time));
    if (i % 250 === 0 || i === readings.length - 1) expect(packed(kept)).toBeLessThanOrEqual(most);
  }
});

test("few values take few bytes: sketches are sparse", () => {
  expect(packed(fold(open(approxDistinct((r) => r.text)), readings.slice(0, 10)))).toBeLessThanOrEqual(6 * 10 + 3);
  expect(packed(fold(open(approxPercentile((r) => r.any, 0.5)), readings.slice(0, 10)))).toBeLessThanOrEqual(
    10 * 8 + 40,
  );
});

test("docs/aggregates.md has every aggregate there is", () => {
  const docs = readFileSync(path.join(ROOT, "docs/aggregates.md"), "utf8");
  const index = readFileSync(path.join(ROOT, "lib/index.ts"), "utf8");
  const names = [...index.matchAll(/^export \{ (.*) \} from "\.\/aggregates\//gm)]
    .flatMap(([, list]) => list!.split(", "))
    .filter((name) => !name.startsWith("type "));
  expect(names.length).toBeGreaterThan(20);
  for (const name of names) {
    expect(millrace).toHaveProperty(name);
    expect(docs.includes(`\`${name}(`) || docs.includes(`, \`${name}(`), name).toBe(true);
  }
});
