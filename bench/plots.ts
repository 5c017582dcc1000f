import { mkdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { billPlot, type BillResult } from "./bill/bill.ts";
import { logPlot, type Series } from "./harness/plot.ts";
import { readResult } from "./harness/results.ts";
import { ROOT } from "./harness/work.ts";
import type { StateFigures, StateResult } from "./state/state.ts";

/** Draws what was measured into docs/plots. */
export function writePlots(): void {
  const [bill, state] = [readResult<BillResult>("bill"), readResult<StateResult>("state")];
  if (bill !== undefined) write("bill", billPlot(bill.figures));
  if (state !== undefined) write("state", statePlot(state.figures));
}

function write(name: string, svg: string): void {
  const directory = path.join(ROOT, "docs/plots");
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, `${name}.svg`), svg);
}

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
