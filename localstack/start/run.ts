import path from "node:path";
import { fileURLToPath } from "node:url";
import type { Pipeline, Source } from "millrace";
import type { Savings } from "millrace/producer";
import { planStages, sourceOf } from "../../lib/plan/stage.ts";
import { AcceptedOrder } from "./accepted-order.ts";
import { loadDemo, type Demo } from "./demo.ts";
import type { Deployment } from "./deployment.ts";
import { Events } from "./events.ts";
import { faultPlan } from "./faults.ts";
import { feed, type Accepted } from "./feed.ts";
import type { Interrupt } from "./interrupt.ts";
import { keep } from "./keep.ts";
import { UsageError, type Options } from "./options.ts";
import { packedFeed, reportSavings } from "./packed-feed.ts";
import { prepareEvents } from "./prepare.ts";
import { duration, whole, type Printer } from "./print.ts";
import { Progress } from "./progress.ts";
import { reshard, STEPS } from "./reshard.ts";
import { makeRunDirectory } from "./run-directory.ts";
import { Session } from "./session.ts";
import { endInput } from "./end-input.ts";
import { synthesize } from "./synthesize.ts";
import { reportTraces, spansIn, withTraces } from "./traces.ts";
import { judge } from "./verdict.ts";

const ROOT = new URL("../../", import.meta.url);
const FUNCTIONS = new URL("functions/", ROOT);
const HOME = fileURLToPath(new URL(".millrace/", ROOT));

/** What a run is about, once it is known to be possible. */
export interface Plan {
  readonly options: Options;
  readonly demo: Demo;
  readonly pipeline: Pipeline;
  readonly events: number;
  readonly shards: number;
}

/** @throws UsageError for what there is none of, or not so many */
export async function planRun(options: Options): Promise<Plan> {
  const demo = await loadDemo(FUNCTIONS, options.pipeline);
  const { default: pipeline } = (await import(new URL(`${options.pipeline}/pipeline.ts`, FUNCTIONS).href)) as {
    readonly default: Pipeline;
  };
  const events = options.events ?? demo.defaults.events;
  if (events > demo.available)
    throw new UsageError(`There are ${whole(demo.available)} ${demo.events}; --events ${whole(events)} is more.`);
  return { options, demo, pipeline, events, shards: options.shards ?? demo.defaults.shards };
}

/** Does it all. @returns whether every event is accounted for and every row is right */
export async function run(plan: Plan, interrupt: Interrupt, printer: Printer): Promise<boolean> {
  const { options, demo, events, shards } = plan;
  const faults = options.faults ? ` · faults, seed ${options.seed}` : "";
  const resharded = options.reshard ? ", split and merged" : "";
  printer.line(
    `Millrace · ${options.pipeline} · ${whole(events)} ${demo.events} · ${whole(shards)} shard${shards === 1 ? "" : "s"}${resharded}${faults}`,
  );
  const directory = await makeRunDirectory(HOME, new Date());
  const session = await Session.open(directory);
  try {
    const { deployment, rival } = await setUp(plan, session, interrupt, printer);
    const fed = await push(plan, session, deployment, interrupt, printer);
    await rival?.stop();
    const ended = await endInput(deployment, interrupt, printer);
    if (options.trace !== undefined) reportTraces(plan.pipeline, await spansIn(session.functionLogs), printer);
    const ok = await interrupt.orEnd(judge({ plan, session, deployment, rival, printer, ...fed, ...ended }));
    if (options.keep) await keep(deployment, fed.example, interrupt, printer);
    return ok;
  } finally {
    await session.close();
  }
}

/** Events, template and stack, the first two at the same time. */
async function setUp(
  { options, demo, pipeline, events, shards }: Plan,
  session: Session,
  interrupt: Interrupt,
  printer: Printer,
) {
  printer.section("Set-up");
  const began = performance.now();
  const took = () => duration(performance.now() - began);
  const prepare = async () => {
    const prepared = await prepareEvents(session.database, demo, {
      name: options.pipeline,
      count: events,
      directory: path.join(HOME, "prepared"),
    });
    printer.fact("events", path.relative("", prepared.file), prepared.cached ? "(prepared before)" : `(${took()})`);
  };
  const synthesis = async () => {
    const directory = path.join(session.directory, "cdk.out");
    const template = await synthesize({
      root: ROOT,
      directory,
      pipeline: pipeline.name,
      shards,
      signal: interrupt.signal,
    });
    printer.fact("template", path.relative("", template), `(bundled and synthesized, ${took()})`);
    return template;
  };
  const [template] = await interrupt.orEnd(Promise.all([synthesis(), prepare()]));
  const starting = performance.now();
  // Waited for even when it is time to end: only what has started can be stopped.
  const deployment = await session.start(
    template,
    pipeline,
    options.faults ? faultPlan(options, planStages(pipeline).length) : undefined,
  );
  interrupt.check();
  printer.fact("local stack", path.relative("", session.log), `(started in ${duration(performance.now() - starting)})`);
  const rival = options.faults ? await session.startRival(template) : undefined;
  return { deployment, rival };
}

/** Pushes all events, and waits until all are committed. */
async function push(
  { options, demo, events, shards }: Plan,
  session: Session,
  deployment: Deployment,
  interrupt: Interrupt,
  printer: Printer,
) {
  printer.section(
    `Pushing ${whole(events)} ${demo.events}${options.rate === undefined ? "" : ` at ${whole(options.rate)} a second`}`,
  );
  const order = new AcceptedOrder(path.join(session.directory, "accepted.csv"));
  const progress = new Progress({ deployment, printer, shards, total: events, sleep: interrupt.sleep });
  const source = new Events(session.database, demo.eventsSql);
  const began = performance.now();
  let isOver = false;
  const traced = options.trace === undefined ? source : withTraces(source, { traced: options.trace, total: events });
  const onAccepted = async (accepted: readonly Accepted[]): Promise<void> => {
    await order.add(accepted);
    progress.pushed(accepted.length);
  };
  const { pack, rate } = options;
  let savings: Savings | undefined;
  const packing = async (most: number): Promise<number> => {
    const { mayPut } = progress;
    const declared = sourceOf(deployment.source.stage) as Source<unknown, unknown, unknown>;
    const fed = await packedFeed(traced, {
      source: declared,
      transport: deployment.transport,
      pack: most,
      onAccepted,
      mayPut,
    });
    savings = fed.savings;
    return fed.pushed;
  };
  const plainly = () =>
    feed(traced, {
      put: (records) => interrupt.orEnd(deployment.put(records)),
      onAccepted,
      sleep: interrupt.sleep,
      now: () => performance.now(),
      rate,
      // At a rate that was asked for, a backlog is part of the answer.
      ...(rate === undefined ? { mayPut: progress.mayPut } : {}),
    });
  const feeding = (pack === undefined ? plainly() : interrupt.orEnd(packing(pack))).finally(() => {
    isOver = true;
  });
  const resharding = deployment.stages.map((stage) =>
    reshard({
      stage: stage.name,
      steps: options.reshard ? STEPS : [],
      shards: () => stage.shards(),
      split: (shard, at) => stage.split(shard, at),
      merge: (lower, upper) => stage.merge(lower, upper),
      pushed: () => progress.count,
      total: events,
      // Each shard between stages is told how far those are that write to it.
      hasRecords: stage === deployment.source ? order.hasRecords : () => true,
      isOver: () => isOver,
      sleep: interrupt.sleep,
      printer,
    }),
  );
  const [pushed, ...wasResharded] = await Promise.all([feeding, ...resharding]);
  await order.close();
  const pushMillis = performance.now() - began;
  await progress.untilCommitted();
  const millis = performance.now() - began;
  printer.fact("pushed", whole(pushed), `in ${duration(pushMillis)}`);
  printer.fact("committed", whole(pushed), `in ${duration(millis)}: ${whole((pushed / millis) * 1_000)} a second`);
  if (savings !== undefined) reportSavings(savings, printer);
  if (source.first === undefined) throw new Error("There was no event to push.");
  const putUnits = savings?.putUnits ?? source.putUnits;
  return { pushed, putUnits, order, wasResharded: wasResharded.every(Boolean), example: source.first };
}
