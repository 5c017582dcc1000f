import { billPlot, type BillResult } from "./bill/bill.ts";
import type { BundleResult } from "./bundle/bundle.ts";
import type { LoadFigures } from "./bundle/loads.ts";
import type { EngineResult } from "./engine/engine.ts";
import { barPlot, type Bar } from "./harness/bars.ts";
import { logPlot, type Series } from "./harness/plot.ts";
import { readResult } from "./harness/results.ts";
import { median } from "./harness/statistics.ts";
import type { CatchUpResult } from "./latency/catch-up.ts";
import type { LatencyResult } from "./latency/latency.ts";
import type { NexmarkResult } from "./nexmark/peers/nexmark.ts";
import type { StateFigures, StateResult } from "./state/state.ts";

/** Draws what was measured: SVGs by their paths. */
export function plots(): ReadonlyMap<string, string> {
  const bundle = readResult<BundleResult>("bundle");
  return new Map([
    ...drawn<EngineResult>("engine", enginePlot),
    ...drawn<NexmarkResult>("nexmark", nexmarkPlot),
    ...drawn<StateResult>("state", statePlot),
    ...drawn<LatencyResult>("latency", latencyPlot),
    ...drawn<CatchUpResult>("catch-up", catchUpPlot),
    ...(bundle?.figures.loads === undefined ? [] : plotOf("loads", loadsPlot(bundle.figures.loads))),
    ...drawn<BillResult>("bill", billPlot),
  ]);
}

function drawn<T>(name: string, plot: (figures: T) => string) {
  const result = readResult<T>(name);
  return result === undefined ? [] : plotOf(name, plot(result.figures));
}

const plotOf = (name: string, svg: string): readonly (readonly [file: string, svg: string])[] => [
  [`docs/plots/${name}.svg`, svg],
];

/** Millrace, what it is compared with, the least that is possible, and others. */
const [OWN, PEER, FLOOR, BLUE] = ["#c2410c", "#15803d", "#6b7280", "#1d4ed8"] as const;

/** Where a line is flat, nothing grows with all keys. */
export function statePlot({ figures }: StateResult): string {
  const line = (name: string, colour: string, of: (one: StateFigures) => number): Series => ({
    ...{ name, colour },
    points: figures.map((one) => [one.keys, of(one)] as const).filter(([, value]) => value > 0),
  });
  return logPlot({
    title: "What grows with live keys, as many touched by each batch",
    x: "live keys",
    y: "",
    series: [
      line("memory of the state, MB", "#c2410c", ({ heapMegabytes }) => heapMegabytes),
      line("a batch of 1,000 records, ms of CPU", "#15803d", ({ turnCpuMean }) => turnCpuMean),
      line("its delta, KB", "#1d4ed8", ({ deltaBytes }) => deltaBytes / 1_024),
      line("a cold start, ms of CPU", "#7c3aed", ({ cold }) => cold.cpu),
    ],
  });
}

const bar = (label: string, colour: string, rounds: readonly number[]): Bar => ({
  ...{ label, colour, value: median(rounds), least: Math.min(...rounds), most: Math.max(...rounds) },
});

export function enginePlot({ subjects }: EngineResult): string {
  const colourOf = (name: string) => (name.startsWith("Millrace") ? OWN : name.startsWith("floor") ? FLOOR : PEER);
  return barPlot({
    title: "Flight delays: what a million events take",
    x: "seconds of CPU a million events; the line is from the least to the most of all rounds",
    bars: subjects.flatMap(({ name, perMillion, besidePerMillion }) => [
      bar(name, colourOf(name), perMillion),
      ...(besidePerMillion.length > 0 ? [bar(`${name}: its broker`, "#86efac", besidePerMillion)] : []),
    ]),
  });
}

/** Every query of one engine below that of the other. */
export function nexmarkPlot({ queries }: NexmarkResult): string {
  const colours: Readonly<Record<string, string>> = { Millrace: OWN, Flink: PEER };
  return barPlot({
    title: "Nexmark: what a million events take",
    x: "seconds of CPU a million events; the line is from the least to the most of all rounds",
    bars: queries.flatMap(({ query, title, engines }) =>
      engines
        .filter(({ engine }) => colours[engine] !== undefined)
        .map(({ engine, perMillion }, i) => bar(i === 0 ? `${query} ${title}` : "", colours[engine]!, perMillion)),
    ),
    legend: Object.entries(colours).map(([name, colour]) => ({ name, colour })),
  });
}

/** Where steps are of a mapping's window of 5 s; other windows change the first step alone. */
export function latencyPlot({ steps }: LatencyResult): string {
  const windows = [...new Set(steps.map(({ window }) => window))];
  const colours = [OWN, "#ea580c", "#f97316", "#fdba74"];
  const shown = steps.filter(({ window }) => window === 5);
  const line = (name: string, colour: string, of: (one: (typeof steps)[number]) => number, from = steps): Series => ({
    ...{ name, colour, points: from.map((one) => [one.rate, of(one)] as const) },
  });
  return logPlot({
    title: "What an event waits for, step by step",
    x: "events a second, on one shard",
    y: "seconds, median",
    series: [
      ...windows.map((window, i) =>
        line(
          `put to read, batches of ${window} s`,
          colours[i % colours.length]!,
          ({ read: [middle] }) => middle / 1_000,
          steps.filter((one) => one.window === window),
        ),
      ),
      line("read to committed, batches of 5 s", PEER, ({ toCommit: [middle] }) => middle / 1_000, shown),
      line("committed to delivered", BLUE, ({ toDelivery: [middle] }) => middle / 1_000, shown),
      line("CPU of these two", FLOOR, ({ cpuFold, cpuElse }) => (cpuFold + cpuElse) / 1_000, shown),
    ],
  });
}

export function catchUpPlot({ figures }: CatchUpResult): string {
  const kinds = [...new Set(figures.map(({ batchSize, rate }) => `${batchSize} ${rate}`))];
  return logPlot({
    title: "How long a shard takes to catch up",
    x: "minutes behind",
    y: "seconds until caught up",
    series: kinds.map((kind, i) => {
      const [batchSize, rate] = kind.split(" ").map(Number) as [number, number];
      return {
        name: `${rate} events a second, batches of up to ${batchSize.toLocaleString("en-US")}`,
        colour: [OWN, "#fb923c", BLUE, "#7c3aed"][i % 4]!,
        dashed: batchSize > 1_000,
        points: figures
          .filter((one) => one.batchSize === batchSize && one.rate === rate)
          .map(({ backlog, seconds }) => [backlog / 60, seconds] as const),
      };
    }),
  });
}

export const loadsPlot = (loads: readonly LoadFigures[]): string =>
  barPlot({
    title: "What loading a bundle takes, by its size",
    x: "milliseconds of CPU, without Node's own start; the line is from the least to the most of all rounds",
    bars: loads.map(({ bytes, readBytes, cpu }) =>
      bar(`${megabytes(bytes)} MB, of which ${megabytes(readBytes)} read`, readBytes < bytes / 2 ? PEER : OWN, cpu),
    ),
  });

const megabytes = (bytes: number): string => (bytes / 2 ** 20).toFixed(1);
