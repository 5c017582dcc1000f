import { expect, test } from "vitest";
import { bundledEntry } from "../../bench/harness/entries.ts";
import { functionNode } from "../../bench/harness/function-node.ts";
import { metered } from "../../bench/harness/metered.ts";
import { besidePerMillion, checkFigures, perMillion, type CountedRun } from "../../bench/harness/per-million.ts";
import { eventsIn } from "../../bench/nexmark/peers/events.ts";

const usage = (cpu: number, beforeMark?: number) => ({ cpu, wall: 0, rss: 0, ...(beforeMark && { beforeMark }) });
const run = (count: number, cpu: number, beforeMark?: number, marked?: number): CountedRun => ({
  ...{ count, marked: marked ?? "none", usage: usage(cpu, beforeMark) },
});

test("a figure is of the events after the marks: neither start counts, nor what ends both runs", () => {
  // A second a million events, half a second at the end, and starts that have nothing to do with each other.
  const short = run(200_000, 9 + 0.5, 9, 200_000);
  const long = run(1_200_000, 4 + 1 + 0.5, 4, 200_000);
  expect(perMillion("it", short, long)).toBeCloseTo(1, 12);
});

test("a mark that could be made a little later only leaves these events out", () => {
  const short = run(200_000, 9 + 0.5, 9, 200_000);
  const long = run(1_200_000, 4 + 0.9 + 0.5, 4, 300_000);
  expect(perMillion("it", short, long)).toBeCloseTo(1, 12);
});

test("of what reads all at once it is the difference of the runs", () => {
  expect(perMillion("it", run(200_000, 1), run(2_200_000, 4))).toBeCloseTo(1.5, 12);
});

test("a mark that was not made is missed, and one beyond the events is none", () => {
  const [short, long] = [run(1, 2, 1, 1), run(3, 6, 1, 1)];
  expect(perMillion("it", short, long)).toBe(2_000_000);
  for (const marked of [undefined, 4])
    expect(() => perMillion("q2 of It", short, { ...long, marked })).toThrow("q2 of It made no mark within 3 events");
});

test("what is no figure is refused, all of it at once", () => {
  const figures = [
    { name: "a", perMillion: [1, 2] },
    { name: "b", perMillion: [1, 0] },
    { name: "c", perMillion: [Number.NaN] },
  ];
  expect(() => checkFigures(figures)).toThrow("took no more CPU, in some round: b, c. Measure more");
  expect(() => checkFigures(figures.slice(0, 1))).not.toThrow();
});

test("what runs beside may take nothing", () => {
  const beside = (before: CountedRun, cpu: number) => ({ ...before, beside: usage(cpu, 1) });
  const [short, long] = [run(1_000_000, 1, 1, 1_000_000), run(2_000_000, 2, 1, 1_000_000)];
  expect(besidePerMillion(beside(short, 3), beside(long, 3))).toBe(0);
  expect(besidePerMillion(short, long)).toBe(0);
});

test("a process notes what it has taken once it was given so many events", async () => {
  const { file, count } = eventsIn(20_000);
  const floor = [bundledEntry("engine/millrace/floor-entry"), "text", file];
  let marks = 0;
  const marked = await metered(functionNode(), floor, { mark: count / 2, onMark: () => marks++ });
  expect(marked.marked).toBe(count / 2);
  expect(marked.usage.beforeMark).toBeGreaterThan(0);
  expect(marked.usage.beforeMark).toBeLessThan(marked.usage.cpu);
  expect(marks).toBe(1);
  const never = await metered(functionNode(), floor, { mark: count + 1 });
  expect([never.marked, never.usage.beforeMark]).toEqual([undefined, undefined]);
});
