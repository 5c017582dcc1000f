import type { FaultName, FaultPlan, LocalStack } from "../types.ts";
import { MetricReader } from "./metrics.ts";
import { whole, type Printer } from "./print.ts";

/** Rates at which a hundred thousand events see each fault many times, and still get through in a minute. */
export const faultPlan = (seed: number): FaultPlan => ({
  seed,
  killWorker: 0.06,
  repeatBatch: 0.1,
  cutBatch: 0.4,
  throttleTable: 0.05,
  loseTableAnswer: 0.05,
  failSink: 0.05,
  failSinkPartly: 0.1,
  repeatSink: 0.05,
  delaySink: 0.1,
  delayMillis: 200,
});

const MEANING: Readonly<Record<FaultName, string>> = {
  killWorker: "workers killed in the middle of a batch",
  repeatBatch: "batches sent again after success",
  cutBatch: "batches cut at a random place",
  throttleTable: "table requests throttled",
  loseTableAnswer: "table writes carried out, answer lost",
  failSink: "sink requests failed",
  failSinkPartly: "sink requests failed for some rows",
  repeatSink: "sink requests carried out, then failed",
  delaySink: "sink requests delayed",
};

/** Prints what was done to the pipeline, and what came of it. @returns whether there was some of everything */
export function reportFaults(stack: LocalStack, printer: Printer): boolean {
  const injected = Object.entries(stack.injected()) as [FaultName, number][];
  const caused = consequences(stack);
  printer.section("Faults");
  printer.table(["injected", "times"], injected.map(([name, n]) => [MEANING[name] ?? name, whole(n)]));
  printer.line();
  printer.table(["caused", "times"], caused.map(([name, n]) => [name, whole(n)]));
  const absent = [...injected, ...caused].filter(([, n]) => n === 0).map(([name]) => name);
  if (absent.length > 0) printer.line(`  Never happened: ${absent.join(", ")}. Give more events, or another --seed.`);
  return absent.length === 0;
}

function consequences(stack: LocalStack): [string, number][] {
  const metrics = new MetricReader(stack.metrics());
  return [
    ["redeliveries (a head's outputs sent again, X5)", metrics.sum("Redeliveries")],
    ["conflicts (races lost to another writer, X1)", metrics.sum("Conflicts")],
    ["replays (batches with records already folded, X3)", metrics.sum("Replays")],
    ["restarts of workers", stack.usage().lambda.restarts],
  ];
}
