import { expect, test } from "vitest";
import { logPlot } from "../../bench/harness/plot.ts";
import { statePlot } from "../../bench/plots.ts";
import type { StateFigures } from "../../bench/state/state.ts";

const plot = (points: readonly (readonly [number, number])[]) =>
  logPlot({ title: "A & B", x: "x", y: "y", series: [{ name: "a < b", colour: "#000", points }] });

test("ten times as much is as far everywhere, and the axes end at powers of ten", () => {
  const svg = plot([
    [1, 10],
    [10, 100],
    [100, 1_000],
  ]);
  const [a, b, c] = /points="([^"]+)"/
    .exec(svg)![1]!
    .split(" ")
    .map((pair) => pair.split(",").map(Number));
  expect(b![0]! - a![0]!).toBeCloseTo(c![0]! - b![0]!, 1);
  expect(a![1]! - b![1]!).toBeCloseTo(b![1]! - c![1]!, 1);
  expect(svg).toContain(">1,000<");
});

test("text is escaped", () => {
  expect(plot([[1, 1]])).toContain("A &amp; B");
  expect(plot([[1, 1]])).toContain("a &lt; b");
});

test("what has no place on a logarithmic axis is refused", () => {
  expect(() => plot([[0, 1]])).toThrow("not above 0");
  expect(() => plot([[1, Number.NaN]])).toThrow("not above 0");
});

test("a state's plot has a line a reading, of what there is", () => {
  const at = (keys: number) =>
    ({ keys, heapMegabytes: keys / 100, turnCpuMean: 5, deltaBytes: 0, cold: { cpu: 1 } }) as StateFigures;
  const small = { keys: 1, megabytes: 256, peakMegabytes: 100, turnCpu: 1 };
  const svg = statePlot({ batches: 1, figures: [at(1_000), at(10_000)], small, refused: [] });
  const lines = [...svg.matchAll(/points="([^"]*)"/g)].map(([, points]) => points!.split(" ").filter(Boolean).length);
  expect(lines).toEqual([2, 2, 0, 2]); // a delta of nothing has no place there
});
