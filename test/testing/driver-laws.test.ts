import fc from "fast-check";
import { expect, test } from "vitest";
import type { Pipeline } from "millrace";
import { runnableStage } from "../../lib/connectors/runnable-stage.ts";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { CatchUp } from "../../lib/runtime/catch-up.ts";
import { LoadedTask } from "../../lib/runtime/loaded-task.ts";
import type { TableDelta } from "../../lib/state/keyed-table.ts";
import type { TaskState } from "../../lib/state/task-state.ts";
import type { Answering } from "../../lib/testing/driver/driver-lookups.ts";
import { DriverRun } from "../../lib/testing/driver/driver-run.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { calledFor, groups, pipelineOf, rowOf, scripts, shapes, START, type Action } from "./random-pipelines.ts";

const RUNS = Number(process.env["RUNS"] ?? 100);

/** Bytes out of storage are Buffers. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array ? [...value] : Array.isArray(value) ? value.map(plain) : value;

/** A table's entries, in an order of their own. */
const entriesOf = ({ floor, put }: TableDelta) => ({
  floor,
  entries: put
    .flatMap(([space, keys, values]) => keys.map((key, i) => [space, key, plain(values[i])] as const))
    .sort(([a, x], [b, y]) => a - b || (x < y ? -1 : 1)),
});

/** All that a task knows, but for the names of ticks and tables that are empty. */
function knowledge(state: TaskState) {
  const { tick, counters, ...header } = state.header();
  const tables = state.snapshot().map(([name, table]) => [name, entriesOf(table)] as const);
  return {
    header,
    counters: Object.fromEntries(counters),
    tick: tick?.at,
    tables: Object.fromEntries(tables.filter(([, { floor, entries }]) => entries.length > 0 || floor > -Infinity)),
  };
}

const partitionKeyOf = (flow: Pipeline, act: Action, i: number): string => {
  const [source] = flow.nodes;
  const hasKey = source!.kind === "source" && source.source.keyFields.length > 0;
  return hasKey && act.do === "push" ? act.item.key : `record ${i}`;
};

const textOf = (act: Exclude<Action, { do: "advance" }>) =>
  act.do === "push" ? JSON.stringify(act.item) : act.payload;

async function byTheRuntime(flow: Pipeline, script: readonly Action[], shards: number) {
  const table = { maxKeys: 2, lookup: async (keys: readonly unknown[]) => keys.map((key) => rowOf(key as string)) };
  const lookups = { tables: new Map([[groups.name, table]]), wait: () => new Promise<void>(() => undefined) };
  const run = new MemoryPipeline(flow, { shards, start: START, lookups });
  for (const [i, act] of script.entries()) {
    if (act.do === "advance") await run.advance(act.millis);
    else {
      run.stage("items").stream.take({ partitionKey: partitionKeyOf(flow, act, i), text: textOf(act) });
      await run.run();
    }
  }
  const states = () => statesOf(flow, run);
  const before = await states();
  await run.drain();
  return { before, after: await states(), delivered: Object.fromEntries(run.delivered) };
}

/** What the changelog says of each task. */
async function statesOf(flow: Pipeline, run: MemoryPipeline) {
  const states: Record<string, unknown> = {};
  const catchUp = new CatchUp(run.changelog, run.objects, { turn: () => undefined, notice: () => undefined });
  for (const stage of run.stages.values()) {
    const runnable = runnableStage(flow, stage.stage, { generation: 0, incarnation: 0 });
    for (const { id } of stage.stream.shards) {
      const task = run.taskName(stage, id);
      const origin = { pipeline: flow.name, stage: stage.stage.name, task, partition: id };
      const loaded = await catchUp.run(task, undefined, () => new LoadedTask({ ...runnable, origin, build: "memory" }));
      if (loaded.task.epoch > 0) states[task] = { epoch: loaded.task.epoch, ...knowledge(loaded.task.state) };
    }
  }
  return states;
}

function byTheDriver(flow: Pipeline, script: readonly Action[], shards: number, restartEvery: number) {
  const run = new DriverRun(flow, { shards, start: START });
  run.lookups.tables.set(groups.name, rowOf as Answering);
  for (const { name } of nodesOf(flow, "enrich")) run.lookups.calls.set(name, calledFor as Answering);
  for (const [i, act] of script.entries()) {
    if (act.do === "advance") run.advance(act.millis);
    else {
      run.stages.get("items")!.stream.take({ partitionKey: partitionKeyOf(flow, act, i), text: textOf(act) });
      run.run();
    }
    if (i % restartEvery === restartEvery - 1) run.restart();
  }
  const states = () => {
    const tasks = [...run.stages.values()].flatMap((stage) => stage.tasks).filter(({ epoch }) => epoch > 0);
    return Object.fromEntries(tasks.map(({ name, epoch, state }) => [name, { epoch, ...knowledge(state) }]));
  };
  const before = states();
  run.drain();
  return { before, after: states(), delivered: Object.fromEntries(run.delivered) };
}

test("the driver says what the runtime does: rows, dead letters, their ids, state, timers, counters, watermarks", async () => {
  let rows = 0;
  let letters = 0;
  await fc.assert(
    fc.asyncProperty(
      shapes,
      scripts,
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 50 }),
      async (shape, script, shards, restartEvery) => {
        const flow = pipelineOf(shape);
        const driven = byTheDriver(flow, script, shards, restartEvery);
        expect(driven).toEqual(await byTheRuntime(flow, script, shards));
        rows += driven.delivered["out"]?.length ?? 0;
        letters += driven.delivered["$dead-letters"]?.length ?? 0;
      },
    ),
    { numRuns: RUNS },
  );
  expect(rows).toBeGreaterThan(RUNS);
  expect(letters).toBeGreaterThan(RUNS / 2);
});
