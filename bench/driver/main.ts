import { parseArgs } from "node:util";
import { measureCosts } from "./costs.ts";

/** `npm run bench:driver`: what the test driver costs a record, beside `JSON.parse` of the same payloads. */

const { values } = parseArgs({
  options: { records: { type: "string", default: "20000" }, rounds: { type: "string", default: "9" } },
});
const records = Number(values.records);
const rounds = Number(values.rounds);

const sorted = (numbers: readonly number[]) => numbers.toSorted((a, b) => a - b);
const median = (numbers: readonly number[]) => sorted(numbers)[Math.floor(numbers.length / 2)]!;
const shown = (n: number) => n.toFixed(n < 10 ? 2 : n < 100 ? 1 : 0);
const column = (numbers: readonly number[]) =>
  `${shown(median(numbers))} (${shown(sorted(numbers)[0]!)} to ${shown(sorted(numbers).at(-1)!)})`;

console.log(`${records} records a round, ${rounds} rounds: medians (least to most)\n`);
const rows = [
  ["", "CPU µs a record", "times JSON.parse"],
  ...measureCosts({ records, rounds }).map(({ name, micros, ratios }) => [name, column(micros), column(ratios)]),
];
const widths = rows[0]!.map((_, i) => Math.max(...rows.map((row) => row[i]!.length)));
for (const row of rows)
  console.log(
    row
      .map((cell, i) => cell.padEnd(widths[i]!))
      .join("   ")
      .trimEnd(),
  );
