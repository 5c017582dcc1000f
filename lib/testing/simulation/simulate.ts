import type { NodeOf } from "../../pipeline/topology.ts";
import { checkChangelogs } from "./checks/changelog.ts";
import { checkFloors, checkNothingOpen, checkObjects } from "./checks/leaks.ts";
import { foldedCommits, lettersTakenBack, tasksInOrder, tasksOf } from "./checks/lineage.ts";
import { checkDelivered, checkTicks } from "./checks/outputs.ts";
import { checkBatch } from "./checks/batch.ts";
import { checkRows } from "./checks/rows.ts";
import { checkProducers, checkTaken } from "./checks/shuffles.ts";
import type { LedgerTask } from "./ledger.ts";
import { checkVerdicts } from "./checks/verdicts.ts";
import { planOperations } from "./operations.ts";
import { mayRedrive, planRedrives } from "./redrives.ts";
import { settingsOf, type SimulationOptions } from "./options.ts";
import type { SimulationResult } from "./result.ts";
import { Simulation } from "./simulation.ts";
import { END_OF_TIME } from "../../time/instant.ts";

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

/** A quiet stream's windows close by themselves; it is waited for no longer. */
const LONGEST_SILENCE = 24 * HOUR;

/**
 * Runs a pipeline, all of its stages, in the real runtime on simulated streams, mappings, functions, table, bucket, queues and sinks,
 * lets go wrong what can, and checks that every event had its effect exactly once. Time is simulated too: hours take
 * milliseconds. The same options and seed give the same simulation, whatever the machine.
 *
 * @example
 * import { simulate } from "millrace/testing";
 *
 * const events = Array.from({ length: 60 }, (_, i) => ({
 *   origin: i % 2 === 0 ? "ORD" : "HNL",
 *   destination: "JFK",
 *   departedAt: Date.UTC(2001, 0, 1, 0, 10 * i),
 *   delay: i,
 *   distance: 740,
 * }));
 * const { failures } = await simulate({ pipeline: flightDelays, events, seed: 1 });
 * failures.length === 0;
 *
 * @throws definition errors for options that cannot be; what the simulation finds is in the result
 */
export async function simulate(options: SimulationOptions): Promise<SimulationResult> {
  const settings = settingsOf(options);
  const simulation = new Simulation(settings, options.trace ?? false);
  const end = simulation.plan();
  planOperations(simulation, end);
  planRedrives(simulation, end);
  const { clock } = simulation;
  const isOver = () => simulation.isOver;
  await clock.runUntil(end + 10 * MINUTE, isOver);
  await clock.runUntil(simulation.outagesEnd, isOver);
  if (!simulation.isOver) await settle(simulation);
  if (!simulation.isOver) await drain(simulation);
  if (!simulation.isOver) checkAll(simulation);
  const result = resultOf(simulation);
  if (!simulation.isOver) for (const check of settings.checks) simulation.failures.push(...check(result));
  return result;
}

/** Nothing goes wrong any more; what did is repaired. */
async function settle(simulation: Simulation): Promise<void> {
  const { clock, faults, sinks, stages, fail } = simulation;
  const isOver = () => simulation.isOver;
  simulation.isSettling = true;
  mayRedrive(simulation);
  faults.stop();
  for (const sink of sinks.values()) sink.isDown = false;
  simulation.network.down.clear();
  simulation.deploy();
  await clock.runUntil(clock.now + 30 * MINUTE, isOver);
  // A tick that was lost is missed an hour after it was due.
  for (let sweeps = 0; sweeps < 3; sweeps++) {
    sweep(simulation);
    await clock.runUntil(clock.now + 65 * MINUTE, isOver);
  }
  for (const { stream, mapping } of stages) {
    for (const shard of stream.shards) {
      if (simulation.isOver || mapping.isDone(shard)) continue;
      const error = mapping.lastErrors.get(shard);
      fail("stuck", `${shard.place} is not read to its end: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  if (simulation.isOver) return;
  await beQuiet(simulation);
}

const sweep = ({ stages }: Simulation): void => {
  for (const { ticks } of stages) ticks.send({ type: "sweep" });
};

/** X12: a stream that is quiet for long enough closes its windows, those of the stages behind it too. */
async function beQuiet(simulation: Simulation): Promise<void> {
  const { clock, stages } = simulation;
  if (stages.some(({ idle }) => idle === Number.POSITIVE_INFINITY)) return;
  for (const stage of stages) {
    let needed = 0;
    for (const shard of stage.stream.open) {
      const task = stage.taskOf(shard);
      if (task !== undefined) needed = Math.max(needed, closedBy(simulation, task) - clock.now);
    }
    if (needed > LONGEST_SILENCE) return;
    await clock.runUntil(clock.now + needed + 2 * HOUR, () => simulation.isOver);
    if (simulation.isOver) return;
  }
  checkTicks(simulation);
  if (stages.some(({ hasForgotten }) => hasForgotten)) return;
  checkNothingOpen(simulation, "silence");
}

/** When silence will have closed all that a task holds, at the latest: epoch milliseconds. */
function closedBy({ ledger, settings }: Simulation, task: LedgerTask): number {
  const state = ledger.stateOf(task);
  const { plan, idle } = task.stage;
  let longest = 0;
  let last = Number.NEGATIVE_INFINITY;
  for (const i of plan.nodes) {
    const node = settings.pipeline.nodes[i]!;
    if (node.kind !== "window") continue;
    longest += longestOf(node.assigner) + node.allowedLateness;
    for (const end of state.table(node.name).spaces()) last = Math.max(last, end);
  }
  return state.arrival + Math.max(idle, last + longest - state.recordWatermark);
}

/** The length of the longest of an assigner's windows. */
function longestOf(assigner: NodeOf<"window">["assigner"]): number {
  if (assigner.kind !== "time") return 0;
  return Math.max(0, ...assigner.assign(0, undefined as never).map(({ start, end }) => end - start));
}

/** An operator ends event time, and sweeps once more. */
async function drain(simulation: Simulation): Promise<void> {
  const { clock, stages } = simulation;
  const isOver = () => simulation.isOver;
  simulation.isDraining = true;
  simulation.putLast();
  for (const { source, stream, ticks, nameOf } of stages) {
    if (source === undefined) continue; // those that write to it tell it
    for (const shard of stream.open) ticks.send({ type: "drain", task: nameOf(shard) });
  }
  await clock.runUntil(clock.now + HOUR, isOver);
  // A checkpoint that a sweep writes supersedes one that the next sweep deletes.
  for (let sweeps = 0, written = -1; sweeps < 2 || written < simulation.effects.checkpoints; sweeps++) {
    written = simulation.effects.checkpoints;
    sweep(simulation);
    await clock.runUntil(clock.now + 10 * MINUTE, isOver);
  }
}

function checkAll(simulation: Simulation): void {
  const { stages, fail } = simulation;
  // What a stream between stages forgot may have been the word that somebody waits for.
  const isForgotten = stages.some(({ hasForgotten }) => hasForgotten);
  let areDrained = true;
  for (const { stream, taskOf, ticks } of stages) {
    for (const shard of stream.open) {
      if (taskOf(shard)?.commits.at(-1)?.commit.header.watermark === END_OF_TIME) continue;
      areDrained = false;
      if (!isForgotten) fail("stuck", `The task of ${shard.place} was not drained.`);
    }
    for (const { type } of ticks.waiting) fail("stuck", `A ${type} still comes again and again.`);
  }
  checkChangelogs(simulation);
  checkDelivered(simulation);
  checkObjects(simulation);
  if (areDrained) {
    checkNothingOpen(simulation, "drain");
    checkFloors(simulation);
  }
  if (!isForgotten) checkProducers(simulation);
  const folded = stages.map((stage) => [stage, foldedCommits(simulation, stage)] as const);
  if (simulation.isOver) return;
  for (const [stage, commits] of folded) {
    checkVerdicts(simulation, commits);
    if (stage.source === undefined) checkTaken(simulation, stage, commits);
  }
  if (!areDrained || isForgotten) return;
  checkRows(simulation, folded);
  if (!simulation.isOver) checkBatch(simulation, folded);
}

function resultOf(simulation: Simulation): SimulationResult {
  const { settings, failures, faults, stages, ledger, network, clock } = simulation;
  const tasks = tasksInOrder(simulation);
  const total = (isCounted: (name: string) => boolean) => {
    let sum = 0;
    for (const { commits } of tasks) {
      for (const [name, n] of commits.at(-1)!.commit.header.counters) if (isCounted(name)) sum += n;
    }
    return sum;
  };
  const sources = stages.filter(({ source }) => source !== undefined);
  const named = (field: string) => new Set(sources.map(({ name }) => `${name} ${field}`));
  const [ins, deads] = [named("in"), named("dead")];
  const put = sources
    .flatMap(({ stream }) => stream.shards)
    .flatMap(({ place, records }) =>
      records.map(({ event, incoming, dropped, watermark }) => ({
        event: event!,
        shard: place,
        sequence: incoming.position.sequence,
        isLost: dropped,
        watermark,
      })),
    );
  const given = sources
    .flatMap(tasksOf)
    .flatMap(({ commits }) => commits.flatMap((commit) => lettersTakenBack(simulation, commit)));
  const again = given.filter(({ kind }) => kind === "record").length;
  const counts = {
    in: total((name) => ins.has(name)) - again,
    dead: total((name) => deads.has(name)),
    late: total((name) => name.endsWith(" late")),
  };
  return {
    seed: settings.seed,
    failures,
    stopped: simulation.stopped,
    faults: faults.counts,
    effects: {
      ...simulation.effects,
      bisected: stages.reduce((sum, { mapping }) => sum + mapping.bisected, 0),
      missing: simulation.objects.missed,
      expired: stages
        .flatMap(({ stream }) => stream.shards)
        .reduce((sum, { records }) => sum + records.filter(({ dropped }) => dropped).length, 0),
    },
    schedule: { faults: faults.happened, events: settings.schedule.events ?? settings.events.map((_, i) => i) },
    put,
    received: ledger.received,
    redriven: simulation.redriven,
    counts: { ...counts, lost: put.length - counts.in },
    commits: tasks.reduce((sum, { commits }) => sum + commits.length, 0),
    invocations: stages.reduce((sum, { environments }) => sum + environments.invocations, 0),
    requests: network.requests,
    deliveries: ledger.deliveries,
    duration: clock.now - settings.start,
    trace: simulation.trace,
  };
}
