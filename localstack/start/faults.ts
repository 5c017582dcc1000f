import type { FaultName, FaultPlan, LocalStack } from "../types.ts";
import { MetricReader } from "./metrics.ts";
import type { Options } from "./options.ts";
import { whole, type Printer } from "./print.ts";
import type { RivalMapping } from "./rival-mapping.ts";

/**
 * Rates at which a hundred thousand events see each fault many times, and still get through in a minute.
 *
 * @param stages of the pipeline
 */
export const faultPlan = ({ seed, reshard }: Pick<Options, "seed" | "reshard">, stages: number): FaultPlan => ({
  seed,
  killWorker: 0.25,
  repeatBatch: 0.1,
  cutBatch: 0.5,
  throttleTable: 0.05,
  loseTableAnswer: 0.08,
  // Only where stages send to others.
  throttleStream: stages > 1 ? 0.1 : 0,
  loseStreamAnswer: stages > 1 ? 0.1 : 0,
  failSink: 0.1,
  // A commit's rows are packed into one record of a delivery stream: there are no parts that could fail.
  failSinkPartly: 0,
  repeatSink: 0.1,
  delaySink: 0.1,
  delayMillis: 300,
  // Only where shards have children.
  earlyChild: reshard ? 0.5 : 0,
});

const MEANING: Readonly<Record<FaultName, string>> = {
  killWorker: "workers killed in the middle of a batch",
  repeatBatch: "batches sent again after success",
  cutBatch: "batches cut at a random place",
  throttleTable: "table requests throttled",
  loseTableAnswer: "table writes carried out, answer lost",
  throttleStream: "puts between stages throttled, for some records or all",
  loseStreamAnswer: "puts between stages carried out, answer lost",
  failSink: "sink requests failed",
  failSinkPartly: "sink requests failed for some records",
  repeatSink: "sink requests carried out, then failed",
  delaySink: "sink requests delayed",
  earlyChild: "child shards read beside their parents",
};

/** Prints what was done to the pipeline, and what came of it. @returns whether there was some of everything */
export function reportFaults(
  stack: LocalStack,
  rival: RivalMapping,
  { options, stages }: { readonly options: Options; readonly stages: readonly string[] },
  printer: Printer,
): boolean {
  const plan = faultPlan(options, stages.length);
  const injected = (Object.entries(stack.injected()) as [FaultName, number][])
    .filter(([name]) => plan[name] > 0)
    .map(([name, n]): [string, number] => [MEANING[name], n]);
  for (const [stage, batches] of rival.batches()) {
    injected.push([`batches of ${stage} sent by a second mapping as well`, batches]);
  }
  const metrics = new MetricReader([...stack.metrics(), ...rival.metrics()]);
  const caused: [string, number][] = [
    ["redeliveries: a head's outputs sent again (X5)", metrics.sum("Redeliveries")],
    ["conflicts: races lost to another writer (X1)", metrics.sum("Conflicts")],
    ["replays: batches with records folded before (X3)", metrics.sum("Replays")],
    ["restarts of workers", stack.usage().lambda.restarts],
  ];
  printer.section(`Faults, seed ${options.seed}`);
  printer.table(
    ["injected", "times"],
    injected.map(([what, n]) => [what, whole(n)]),
  );
  printer.line();
  printer.table(
    ["caused", "times"],
    caused.map(([what, n]) => [what, whole(n)]),
  );
  const absent = [...injected, ...caused].filter(([, n]) => n === 0).map(([what]) => what);
  if (absent.length > 0) printer.line(`  Never happened: ${absent.join("; ")}. Give more events, or another --seed.`);
  return absent.length === 0;
}
