import path from "node:path";
import type { AcceptedOrder } from "../start/accepted-order.ts";
import { accountsOf, addsUp, equation } from "../start/accounts.ts";
import { agrees, compare } from "../start/compare.ts";
import type { Database } from "../start/database.ts";
import type { Demo } from "../start/demo.ts";
import { whole, type Printer } from "../start/print.ts";
import { reportComparison } from "../start/report.ts";
import { openLake } from "../start/results.ts";
import { createLineage } from "../start/shard.ts";
import { BAD_RECORDS, checkDeadLetters } from "./bad-records.ts";
import type { Checks } from "./check.ts";
import { EmulatedLake, tablesOf } from "./emulated-lake.ts";
import type { EmulatedStack } from "./emulated-stack.ts";
import { checkAlarms, checkMetrics } from "./monitoring.ts";
import { checkParquet } from "./parquet.ts";
import second from "./second/pipeline.ts";
import { checkTakeOver } from "./take-over.ts";

interface Evidence {
  readonly demo: Demo;
  readonly stack: EmulatedStack;
  readonly database: Database;
  readonly directory: string;
  readonly order: AcceptedOrder;
  /** Events put, without the bad records. */
  readonly pushed: number;
  /** Of these, those put and committed before the second version was deployed. */
  readonly before: number;
  /** Those put when the second version was deployed. */
  readonly after: number;
  readonly sleep: (millis: number) => Promise<void>;
  readonly printer: Printer;
  readonly checks: Checks;
}

/** Reads everything back, and compares it with DuckDB's own answer. */
export async function judge(evidence: Evidence): Promise<void> {
  const { demo, stack, database, directory, order, pushed, printer, checks } = evidence;
  const tables = await tablesOf(stack);
  const lake = new EmulatedLake(stack, tables, database, path.join(directory, "lake"));
  printer.section("Results, by the Glue tables and views, compared with DuckDB's answer from the source data");
  for (const { name, rawRows, repeats } of await openLake(database, lake))
    printer.fact(name, `${whole(rawRows)} rows, ${whole(repeats)} repeats hidden by the view`);
  printer.fact("set aside", `${whole(lake.setAside)} rows`, "for timestamps that the emulator cannot read");
  await order.createView(database);
  await createLineage(database, await stack.stage.shards(), demo.eventsSql);
  await database.run(demo.oracleSql);
  const accounts = accountsOf(second, stack.stage.stage, await stack.stage.tasks());
  for (const [i, sink] of demo.sinks.entries()) {
    const comparison = await compare(database, sink);
    reportComparison(sink.rows, comparison, printer);
    const { equal, missing, repeated, different } = comparison;
    checks.that(
      `${sink.name} is as expected`,
      agrees(comparison) && equal > 0,
      `rows equal ${whole(equal)}, missing ${whole(missing)}, repeated ${whole(repeated)}, different ${whole(different)}`,
    );
    if (i === 0) checks.that("as many windows were closed", accounts.closed === equal, whole(accounts.closed));
  }
  checks.that("every record is accounted for", addsUp([accounts], pushed + BAD_RECORDS), equation(accounts));
  await checkTakeOver(database, evidence, checks);

  printer.section("Dead letters, Parquet, metrics, alarms");
  await checkDeadLetters(stack, checks);
  await checkParquet(stack, tables, database, { directory, sleep: evidence.sleep }, checks);
  await checkMetrics(stack, pushed + BAD_RECORDS, checks);
  await checkAlarms(stack, checks);
}
