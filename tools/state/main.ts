import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import { pipelines } from "../../infra/pipelines.ts";
import { makeClients, type Clients } from "../clients.ts";
import { definitionError } from "../../lib/errors.ts";
import type { Pipeline } from "../../lib/pipeline/topology.ts";
import { whole, type Printer } from "../../localstack/start/print.ts";
import { outputsOf } from "../dead-letters/place.ts";
import { runTool, type ToolRun } from "../run-tool.ts";
import { largestOf, type PlacedKey } from "./largest.ts";
import { HELP, parseOptions, type Where } from "./options.ts";
import { statePlaceOf, type StatePlace } from "./place.ts";

async function main({ args, printer }: ToolRun): Promise<number> {
  const options = parseOptions(args);
  if (options.command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const clients = makeClients();
  try {
    const largest = await largestOf(clients, {
      ...options,
      place: await findPlace(options.where),
      pipelineOf: ({ pipeline }) => pipelineNamed(pipeline, options.pipeline),
      wait: async (millis) => void (await sleep(millis)),
      onTask: (task) => (options.json ? undefined : printer.status(task, performance.now())),
    });
    if (options.json) process.stdout.write(`${jsonOf(largest)}\n`);
    else print(largest, printer);
    return 0;
  } finally {
    for (const client of Object.values(clients) as Clients[keyof Clients][]) client.destroy();
  }
}

async function findPlace(where: Where): Promise<StatePlace> {
  return "stack" in where ? statePlaceOf(await outputsOf(where.stack), where.stack, where.prefix) : where;
}

/** Only the pipeline itself knows what its state means. */
async function pipelineNamed(name: string, module: string | undefined): Promise<Pipeline> {
  const known =
    module === undefined
      ? pipelines.map(({ pipeline }) => pipeline)
      : [((await import(pathToFileURL(path.resolve(module)).href)) as { readonly default: Pipeline }).default];
  const found = known.find((pipeline) => pipeline?.name === name);
  if (found !== undefined) return found;
  throw definitionError({
    code: "state/pipeline",
    message: `The tasks are of the pipeline "${name}", which is not in ${module ?? "infra/pipelines.ts"}.`,
    advice: "Give --pipeline, the path of the module that it is the default export of.",
  });
}

function print(largest: readonly PlacedKey[], printer: Printer): void {
  if (largest.length === 0) return printer.line("No state.");
  printer.table(
    ["operator", "entries", "bytes", "shard", "key"],
    largest.map(({ operator, entries, bytes, shard, key }) => [
      operator,
      whole(entries),
      whole(bytes),
      shard,
      Object.keys(key).length === 0 ? "(the task's own)" : textOf(key),
    ]),
  );
}

const textOf = (value: unknown): string =>
  JSON.stringify(value, (_name, each: unknown) => (typeof each === "bigint" ? String(each) : each));

const jsonOf = (largest: readonly PlacedKey[]): string =>
  JSON.stringify(largest, (_name, each: unknown) => (typeof each === "bigint" ? String(each) : each), 2);

await runTool(main);
