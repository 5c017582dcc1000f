import path from "node:path";
import { fileURLToPath } from "node:url";
import flightDelays from "../../functions/aggregate-flight-delays/pipeline.ts";
import { AcceptedOrder } from "../start/accepted-order.ts";
import { Database } from "../start/database.ts";
import { loadDemo } from "../start/demo.ts";
import { drainAll } from "../start/drain.ts";
import { Events } from "../start/events.ts";
import { feed, type FeedEvent } from "../start/feed.ts";
import type { Interrupt } from "../start/interrupt.ts";
import { prepareEvents } from "../start/prepare.ts";
import { duration, whole, type Printer } from "../start/print.ts";
import { makeRunDirectory } from "../start/run-directory.ts";
import { BAD_RECORDS, putBadRecords } from "./bad-records.ts";
import { Cdk } from "./cdk.ts";
import { Checks } from "./check.ts";
import { clientsOf, EmulatedStack } from "./emulated-stack.ts";
import { leftOf } from "./left-behind.ts";
import { startMinistack, type Ministack } from "./ministack.ts";
import type { Options } from "./options.ts";
import { installMinistack } from "./python.ts";
import second from "./second/pipeline.ts";
import { tearDown } from "./tear-down.ts";
import { judge } from "./verdict.ts";

const HOME = fileURLToPath(new URL("../../.millrace/", import.meta.url));
const FUNCTIONS = new URL("../../functions/", import.meta.url);
const STACK = "flight-delays-dev";
const EVENTS = 20_000;
/** What the first version takes in, before the second one is deployed; and what is put once it is deployed, at least. */
const FIRST = 8_000;
const LAST = 2_000;
/** Put while it is deployed: so many a second, a few at a time. */
const RATE = 200;
const SLICE = 50;
const MILLIS_WITHOUT_PROGRESS = 60_000;

/** Does it all. @returns whether every check passed */
export async function run({ endpoint }: Options, interrupt: Interrupt, printer: Printer): Promise<boolean> {
  printer.line(`Millrace · flight-delays on ministack · ${whole(EVENTS)} departures · deployed by the CDK, twice`);
  const directory = await makeRunDirectory(HOME, new Date());
  const database = await Database.open(path.join(directory, "duckdb"));
  const checks = new Checks(printer);
  let ministack: Ministack | undefined;
  try {
    printer.section("Set-up");
    if (endpoint === undefined) ministack = await start(directory, interrupt, printer);
    const used = endpoint ?? ministack!.endpoint;
    printer.fact("emulator", used, ministack === undefined ? "" : path.relative("", ministack.log));
    await deployAndJudge({ endpoint: used, directory, database, interrupt, printer, checks });
  } finally {
    await ministack?.stop();
    database.close();
  }
  if (ministack !== undefined) {
    const left = await leftOf(ministack.group);
    checks.that("no process is left", left.length === 0, left.join("; "));
  }
  printer.line();
  for (const failed of checks.failed) printer.line(`NOT RIGHT: ${failed}`);
  printer.line(`${checks.passed} checks passed, ${checks.failed.length} failed`);
  return checks.failed.length === 0;
}

async function start(directory: string, interrupt: Interrupt, printer: Printer): Promise<Ministack> {
  const took = stopwatch();
  const { python, cached } = await installMinistack(HOME, interrupt.signal);
  printer.fact("ministack", path.relative("", python), cached ? "(installed before)" : `(installed in ${took()})`);
  return startMinistack(python, path.join(directory, "ministack"));
}

interface Run {
  readonly endpoint: string;
  readonly directory: string;
  readonly database: Database;
  readonly interrupt: Interrupt;
  readonly printer: Printer;
  readonly checks: Checks;
}

async function deployAndJudge({ endpoint, directory, database, interrupt, printer, checks }: Run): Promise<void> {
  const cdk = new Cdk(endpoint, path.join(directory, "cdk"), interrupt.signal);
  const clients = clientsOf(endpoint);
  const demo = await loadDemo(FUNCTIONS, "aggregate-flight-delays");
  const prepared = { name: "aggregate-flight-delays", count: EVENTS, directory: path.join(HOME, "prepared") };
  await prepareEvents(database, demo, prepared);
  // The emulator cannot run the function that CDK empties buckets with.
  const context = { environment: "dev", shards: "2", emptyBuckets: "false" };
  let took = stopwatch();
  await cdk.bootstrap();
  printer.fact("bootstrapped", took());
  took = stopwatch();
  await cdk.deploy(STACK, { ...context, pipelineVersion: "1" });
  printer.fact("deployed", STACK, `in ${took()}`);

  printer.section(`Pushing ${whole(EVENTS)} departures, and deploying the second version meanwhile`);
  const first = await EmulatedStack.find(STACK, clients, flightDelays);
  const order = new AcceptedOrder(path.join(directory, "accepted.csv"));
  const source = new Events(database, demo.eventsSql)[Symbol.asyncIterator]();
  const push = (count: number, rate?: number): Promise<number> =>
    feed(take(source, count), {
      put: (records) => interrupt.orEnd(first.put(records)),
      onAccepted: (accepted) => order.add(accepted),
      sleep: interrupt.sleep,
      now: () => performance.now(),
      rate,
    });
  let pushed = await push(FIRST);
  await putBadRecords(first);
  await untilCommitted(first, pushed + BAD_RECORDS, interrupt);
  printer.fact("committed", whole(pushed), `and ${BAD_RECORDS} bad records, by the first version`);
  const before = pushed;

  took = stopwatch();
  let isDeployed = false;
  const deploying = cdk.deploy(STACK, { ...context, pipelineVersion: "2" }).finally(() => (isDeployed = true));
  const pushing = (async () => {
    while (!isDeployed && pushed < EVENTS - LAST) pushed += await push(SLICE, RATE);
  })();
  await Promise.all([deploying, pushing]);
  printer.fact("deployed", "again", `in ${took()}, while ${whole(pushed - before)} were put`);
  const after = pushed;
  pushed += await push(EVENTS - pushed);
  await order.close();
  const stack = await EmulatedStack.find(STACK, clients, second);
  await untilCommitted(stack, pushed + BAD_RECORDS, interrupt);
  printer.fact("committed", whole(pushed), "by both versions");

  await drainAll({
    names: await stack.stage.taskNames(),
    send: (task) => stack.drain(task),
    isSettled: () => stack.isSettled(),
    look: () => stack.stage.tasks(),
    sleep: interrupt.sleep,
  });
  await interrupt.orEnd(
    judge({ demo, stack, database, directory, order, pushed, before, after, sleep: interrupt.sleep, printer, checks }),
  );

  printer.section("Destroyed");
  await tearDown(stack, () => cdk.destroy(STACK, { ...context, pipelineVersion: "2" }), checks);
}

async function untilCommitted(stack: EmulatedStack, put: number, interrupt: Interrupt): Promise<void> {
  let seen = -1;
  for (let since = performance.now(); ;) {
    const count = await stack.recordsIn();
    if (count >= put) return;
    if (count > seen) since = performance.now();
    seen = Math.max(seen, count);
    if (performance.now() - since > MILLIS_WITHOUT_PROGRESS)
      throw new Error(`Of ${whole(put)} records ${whole(count)} are committed, and it goes no further.`);
    await interrupt.sleep(250);
  }
}

/** The next so many events; the rest stays for later. */
async function* take(events: AsyncIterator<FeedEvent>, count: number): AsyncGenerator<FeedEvent> {
  for (let i = 0; i < count; i++) {
    const next = await events.next();
    if (next.done === true) return;
    yield next.value;
  }
}

function stopwatch(): () => string {
  const began = performance.now();
  return () => duration(performance.now() - began);
}
