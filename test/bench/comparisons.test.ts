import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { checkAnswer } from "../../bench/engine/answer.ts";
import { batchesOf, linesOf } from "../../bench/engine/millrace/lines.ts";
import { median } from "../../bench/harness/statistics.ts";

const HOUR = 3_600_000;
let directory: string;
const file = (name: string, lines: readonly unknown[]): string => {
  const at = path.join(directory, name);
  writeFileSync(at, lines.map((line) => `${JSON.stringify(line)}\n`).join(""));
  return at;
};
beforeAll(() => (directory = mkdtempSync(path.join(tmpdir(), "comparisons-"))));
afterAll(() => rmSync(directory, { recursive: true, force: true }));

const departure = (origin: string, departedAt: number, delay: number, distance = 500) => ({
  ...{ origin, destination: "SFO", departedAt, delay, distance },
});
const row = (origin: string, start: number, flights: number, meanDelay: number, worstDelay: number) => ({
  ...{ origin, windowStart: start, windowEnd: start + HOUR, flights, meanDelay, worstDelay },
});
const events = [
  departure("ATL", 1, 10),
  departure("ATL", 2, 21),
  departure("ORD", HOUR, -3),
  departure("ORD", 5, 9, 99),
];
const right = [row("ATL", 0, 2, 15.5, 21), row("ORD", HOUR, 1, -3, -3)];

test("an engine's rows are those of the answer, under either naming", async () => {
  const input = file("events", events);
  expect(await checkAnswer("it", input, [file("one", right.slice(0, 1)), file("two", right.slice(1))])).toBe(2);
  const named = right.map(({ origin, windowStart, windowEnd, flights, meanDelay, worstDelay }) => ({
    ...{ origin, window_start: windowStart, window_end: windowEnd, flights },
    ...{ mean_delay: meanDelay, worst_delay: worstDelay },
  }));
  expect(await checkAnswer("it", input, [file("named", named)])).toBe(2);
});

test.each([
  ["lacks one", right.slice(1)],
  ["has one twice", [...right, right[0]]],
  ["has one that is nobody's", [...right, row("JFK", 0, 1, 1, 1)]],
  ["is off in the last bit", [right[1], row("ATL", 0, 2, 15.500000000000002, 21)]],
])("an engine whose answer %s is not compared", async (_, rows) => {
  await expect(checkAnswer("it", file("events", events), [file("wrong", rows)])).rejects.toThrow("another answer");
});

test("lines are whole however the file is read, the last one too", () => {
  const long = Array.from({ length: 40_000 }, (_, i) => `${i}`.padStart(1 + ((i * 31) % 120), "x"));
  const at = path.join(directory, "lines");
  writeFileSync(at, long.join("\n"));
  expect(Array.from(linesOf(at), String)).toEqual(long);
  // Smaller and larger than what is read at a time: a batch's memory is used again for the next.
  for (const size of [1, 7, 1_000, 9_000, 40_000]) {
    const texts: string[][] = [];
    for (const batch of batchesOf(at, size))
      texts.push(batch.map(({ holder, start, end }) => holder.toString("utf8", start, end)));
    expect(texts.slice(0, -1).every(({ length }) => length === size)).toBe(true);
    expect(texts.flat()).toEqual(long);
  }
});

test("the median of an even number of figures is between the two in the middle", () => {
  expect([median([3, 1, 2]), median([4, 1, 3, 2]), median([7])]).toEqual([2, 2.5, 7]);
});
