import path from "node:path";
import type { Usage } from "../types.ts";
import type { AcceptedOrder } from "./accepted-order.ts";
import { accountsOf, addsUp, equation, type Accounts } from "./accounts.ts";
import { agrees, compare, type Comparison } from "./compare.ts";
import type { Deployment } from "./deployment.ts";
import { reportFaults } from "./faults.ts";
import { reportPlan } from "./plan.ts";
import { MetricReader } from "./metrics.ts";
import { duration, percent, whole, type Printer } from "./print.ts";
import { reportComparison, reportCost, reportHighlights, reportLatency, reportUsage } from "./report.ts";
import { lakeOf, openLake } from "./results.ts";
import type { RivalMapping } from "./rival-mapping.ts";
import type { Plan } from "./run.ts";
import type { Session } from "./session.ts";
import { createLineage } from "./shard.ts";

export interface Evidence {
  readonly plan: Plan;
  readonly session: Session;
  readonly deployment: Deployment;
  /** The second mapping of a run with faults. */
  readonly rival: RivalMapping | undefined;
  readonly printer: Printer;
  readonly pushed: number;
  readonly putUnits: number;
  readonly order: AcceptedOrder;
  /** Whether every split and merge that was asked for was possible. */
  readonly wasResharded: boolean;
  readonly usage: Usage;
}

/** Reads the results back, prints what there is to know of the run, and says whether all of it is right. */
export async function judge({
  plan,
  session,
  deployment,
  rival,
  printer,
  pushed,
  putUnits,
  order,
  wasResharded,
  usage,
}: Evidence): Promise<boolean> {
  const { demo, pipeline, options, events, shards } = plan;
  const { database } = session;
  const { stack } = deployment;
  const stages = deployment.stages.map(({ name }) => name);
  const measured = await Promise.all(
    deployment.stages.map(async (each) => ({ stage: each.stage, tasks: await each.tasks() })),
  );
  const accounts = measured.map(({ stage, tasks }) => accountsOf(pipeline, stage, tasks));
  const metrics = new MetricReader(stack.metrics());

  printer.section("Results, read back from Parquet with SQL");
  const lake = await openLake(database, lakeOf(stack));
  for (const { name, files, rawRows, repeats } of lake) {
    const where =
      files[0] === undefined
        ? ""
        : `in ${whole(files.length)} file${files.length === 1 ? "" : "s"}: ${path.relative("", path.dirname(files[0]))}`;
    printer.fact(name, `${whole(rawRows)} rows, ${whole(repeats)} repeats hidden by the view`, where);
  }
  for (const { stage, late, in: all } of accounts) {
    printer.fact(
      "late",
      `${percent(late, all)} of all`,
      `(${whole(late)} of ${whole(all)}${ofStage(stage, accounts)})`,
    );
  }
  if (session.warnings > 0)
    printer.fact("warnings", whole(session.warnings), `of the local stack, in ${path.relative("", session.log)}`);
  await reportHighlights(database, demo.highlights, printer);
  reportLatency(metrics, stages, printer);
  reportUsage(usage, printer);
  reportCost(usage, { events, putUnits, streams: stages.length, shards }, printer);
  if (stages.length > 1) reportPlan(pipeline, measured, printer);
  const everyFault = rival === undefined ? true : reportFaults(stack, rival, { options, stages }, printer);

  printer.section("Compared with DuckDB's answer from the source data and the order of acceptance");
  const began = performance.now();
  await order.createView(database);
  await createLineage(database, await deployment.source.shards(), demo.eventsSql);
  await database.run(demo.oracleSql);
  const comparisons: Comparison[] = [];
  for (const sink of demo.sinks) {
    const comparison = await compare(database, sink);
    comparisons.push(comparison);
    reportComparison(sink.rows, comparison, printer);
  }
  printer.fact("took", duration(performance.now() - began));
  const [main] = demo.sinks;
  const closing = deployment.stages.findIndex(({ stage }) => stage.sinks.some(({ name }) => name === main.name));
  const closed = accounts[closing]?.closed ?? 0;
  return conclude({ printer, accounts, closed, pushed, comparisons, everyFault, wasResharded, what: main.rows });
}

interface Conclusion {
  readonly printer: Printer;
  /** Of every stage, producers first. */
  readonly accounts: readonly Accounts[];
  /** Windows that the stage of the first sink has closed. */
  readonly closed: number;
  readonly pushed: number;
  readonly comparisons: readonly Comparison[];
  readonly everyFault: boolean;
  readonly wasResharded: boolean;
  readonly what: string;
}

/** The last lines, and what they come to. */
export function conclude({ printer, accounts, closed, pushed, comparisons, what, ...happened }: Conclusion): boolean {
  const [main] = comparisons;
  if (main === undefined) throw new Error("Nothing was compared.");
  const complaints = [
    ...(addsUp(accounts, pushed)
      ? []
      : [`An equation does not hold, or in is not what was put: ${sentTo(accounts, pushed)}.`]),
    ...(main.expected > 0 ? [] : ["The oracle expects nothing, so that nothing was proven. Give more events."]),
    ...(closed === main.expected
      ? []
      : [`The tasks closed ${whole(closed)} ${what}, the oracle expects ${whole(main.expected)}.`]),
    ...(comparisons.every(agrees) ? [] : ["Not every row is as expected."]),
    ...(happened.wasResharded
      ? []
      : ["Not every split and merge was possible. Give more events or shards, or a low --rate."]),
    ...(happened.everyFault
      ? []
      : ["Not every fault was injected and had its consequence, so that they were not all survived."]),
  ];
  printer.line();
  for (const complaint of complaints) printer.line(`NOT RIGHT: ${complaint}`);
  const width = Math.max(...accounts.map(({ stage }) => stage.length));
  for (const each of accounts) {
    printer.line(accounts.length === 1 ? equation(each) : `${each.stage.padEnd(width)}  ${equation(each)}`);
  }
  const { delivered, equal, missing, repeated, different } = main;
  printer.line(
    `${what} ${whole(delivered - repeated)}, rows equal ${whole(equal)}, missing ${whole(missing)}, repeated ${whole(repeated)}, different ${whole(different)}`,
  );
  return complaints.length === 0;
}

const ofStage = (stage: string, all: readonly Accounts[]): string => (all.length === 1 ? "" : ` in ${stage}`);

/** What each stage should have taken in. */
const sentTo = (accounts: readonly Accounts[], pushed: number): string =>
  [
    whole(pushed),
    ...accounts.flatMap(({ sent }) => Object.entries(sent).map(([reader, n]) => `${reader} ${whole(n)}`)),
  ].join(", ");
