import { expect, test } from "vitest";
import { logPlot } from "../../bench/harness/plot.ts";
import { barPlot } from "../../bench/harness/bars.ts";
import { readResult, type Result } from "../../bench/harness/results.ts";
import type { EngineResult } from "../../bench/engine/engine.ts";
import type { CatchUpResult } from "../../bench/latency/catch-up.ts";
import type { LatencyResult } from "../../bench/latency/latency.ts";
import { catchUpPlot, enginePlot, latencyPlot, loadsPlot, nexmarkPlot, statePlot } from "../../bench/plots.ts";
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

test("bars begin at nought, as long as their values are great, with a line from the least to the most", () => {
  const bar = (value: number, least = value, most = value) => ({ label: "a < b", colour: "#000", value, least, most });
  const bars = (...all: readonly ReturnType<typeof bar>[]) => barPlot({ title: "A & B", x: "x", bars: all });
  const svg = bars(bar(2, 1, 3), bar(4));
  const [two, four] = [...svg.matchAll(/width="(\d+\.?\d*)" height="15"/g)].map(([, width]) => Number(width));
  expect(four! / two!).toBeCloseTo(2, 2);
  expect(svg).toContain("a &lt; b");
  const [from, to] = /d="M([\d.]+) [\d.]+H([\d.]+)"/.exec(svg)!.slice(1).map(Number);
  expect((to! - from!) / two!).toBeCloseTo(1, 2);
  expect(() => bars(bar(2, 3, 4))).toThrow("not between");
});

test.each([
  ["latency", (latency: Result<LatencyResult>) => latencyPlot(latency.figures), 7],
  ["catch-up", (catchUp: Result<CatchUpResult>) => catchUpPlot(catchUp.figures), 4],
] as const)(
  "%s has a line for each kind of what was measured, and a point for each of its measurements",
  (name, draw, lines) => {
    const svg = draw(readResult(name) as never);
    const points = [...svg.matchAll(/points="([^"]*)"/g)].map(([, all]) => all!.split(" ").filter(Boolean).length);
    expect(points).toEqual(Array.from({ length: lines }, () => 3));
  },
);

test("the engines' plot has a bar for each of them and for what it cannot do without", () => {
  const { figures } = readResult<EngineResult>("engine")!;
  const brokers = figures.subjects.filter(({ besidePerMillion }) => besidePerMillion.length > 0).length;
  expect(enginePlot(figures).match(/height="15"/g)).toHaveLength(figures.subjects.length + brokers);
});

test("a query has a bar for each of the two engines, named once, and a ratio's negative noise has no length", () => {
  const took = (engine: string, cpu: number) => ({ engine, perMillion: [cpu], besidePerMillion: [], rss: [1] });
  const svg = nexmarkPlot({
    ...{ shortEvents: 1, longEvents: 2, rounds: 1, floor: [1], engines: [] },
    queries: [
      {
        ...{ query: "q0", title: "Pass through", rows: 1, stages: 1 },
        engines: [took("Millrace", 5), took("Flink", -1), took("Bytewax", 9)],
      },
    ],
  });
  expect(svg.match(/width="([\d.]+)" height="15"/g)).toHaveLength(2);
  expect(svg).toContain('width="0" height="15"');
  expect(svg.match(/q0 Pass through/g)).toHaveLength(1);
});

test("a bundle's bar says how much of it is read at the start", () => {
  const MB = 2 ** 20;
  const one = { name: "", bytes: 5 * MB, gzip: MB, readBytes: 1.2 * MB, cpu: [130, 126, 140], wall: [60], rss: [100] };
  expect(loadsPlot([one])).toContain("5.0 MB, of which 1.2 read");
});
