import path from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { pathToFileURL } from "node:url";
import type { Lake, Pipeline } from "millrace";
import { createProducer } from "millrace/producer";
import { KINESIS } from "../../lib/connectors/kinesis/declare.ts";
import type { SourceDeclaration } from "../../lib/pipeline/source.ts";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { whole } from "../../localstack/start/print.ts";
import { makeClients, type Clients } from "../clients.ts";
import { runTool, UsageError, type ToolRun } from "../run-tool.ts";
import { HELP, parseOptions, type Options } from "./options.ts";
import { Progress } from "./progress.ts";
import { replay, type ReplayResult } from "./replay.ts";
import { tell } from "./tell.ts";

type Of<C> = Extract<Options, { readonly command: C }>;

/** Refused events that are named; the others are counted. */
const NAMED = 20;

/** @returns the exit code */
async function main({ args, isInterrupted }: ToolRun): Promise<number> {
  const options = parseOptions(args);
  if (options.command === "help") {
    process.stdout.write(HELP);
    return 0;
  }
  const clients = makeClients();
  try {
    return options.command === "queue"
      ? await toQueue(options, clients, isInterrupted)
      : await toStream(options, clients, isInterrupted);
  } finally {
    for (const client of Object.values(clients) as Clients[keyof Clients][]) client.destroy();
  }
}

/** @returns nothing for a replay that is done */
function progressOf(file: string, replayed: string): Progress | undefined {
  const progress = new Progress(file, replayed);
  if (progress.isDone) {
    process.stdout.write(`It is done: ${file} says so. Remove the file to replay again.\n`);
    return undefined;
  }
  const { place } = progress;
  if (place !== undefined) process.stdout.write(`Going on in ${place.key}, after ${whole(place.index)}.\n`);
  return progress;
}

async function toQueue(
  { place, queueUrl, progress: file }: Of<"queue">,
  { s3, sqs }: Clients,
  isInterrupted: () => boolean,
) {
  const progress = progressOf(file, `${urlOf(place)} to ${queueUrl}`);
  if (progress === undefined) return 0;
  const told = await tell({ s3, sqs, place, queueUrl, progress, isInterrupted, wait: (millis) => sleep(millis) });
  process.stdout.write(`${whole(told)} objects told of\n`);
  return 0;
}

async function toStream(
  options: Of<"stream">,
  { s3, kinesis }: Clients,
  isInterrupted: () => boolean,
): Promise<number> {
  const { place, stream, dryRun } = options;
  const { source, lake } = await loaded(options);
  const progress = dryRun ? undefined : progressOf(options.progress, `${urlOf(place)} to ${stream}`);
  if (!dryRun && progress === undefined) return 0;
  const producer = dryRun ? undefined : createProducer(source, { client: kinesis, streamName: stream });
  let named = 0;
  const result = await replay({
    ...{ s3, place, source, lake, progress, isInterrupted, rate: dryRun ? Infinity : options.rate },
    taker: producer && { send: (event) => producer.send(event), flush: () => producer.flush() },
    now: Date.now,
    sleep: (millis) => sleep(millis),
    refused: (key, index, why) => {
      if (named++ < NAMED) process.stderr.write(`refused: ${key}, ${index}: ${why}\n`);
    },
    told: ({ events }, key) => process.stderr.write(`${whole(events)} events, up to ${key}\n`),
  });
  process.stdout.write(`${said(result, source, dryRun)}\n`);
  return result.refused > 0 ? 1 : 0;
}

function said(
  { objects, events, repeats, refused, disorder }: ReplayResult,
  source: SourceDeclaration,
  dryRun: boolean,
): string {
  const lines = [
    `${whole(events)} events of ${whole(objects)} objects ${dryRun ? "would be sent" : "sent"}; ${whole(repeats)} repeats left out, ${whole(refused)} refused`,
  ];
  if (disorder > source.disorder) {
    lines.push(
      `An event came ${whole(disorder / 1_000)} s behind the largest event time before it; the source "${source.name}" allows ${whole(source.disorder / 1_000)} s: ` +
        "what comes after its windows are closed is late. Give the source more disorder, or the objects names in the order of their time.",
    );
  }
  return lines.join("\n");
}

const urlOf = ({ bucket, prefix, suffix }: Of<"queue">["place"]): string => `s3://${bucket}/${prefix}*${suffix}`;

async function loaded({ module, source: name }: Of<"stream">) {
  const { default: pipeline, lake } = (await import(pathToFileURL(path.resolve(module)).href)) as {
    readonly default: Pipeline;
    readonly lake?: Lake<never>;
  };
  const sources: readonly SourceDeclaration[] = nodesOf(pipeline, "source").map(({ source }) => source);
  const source = name === undefined && sources.length === 1 ? sources[0] : sources.find((one) => one.name === name);
  if (source !== undefined && source.connector !== KINESIS) {
    throw new UsageError(`The source "${source.name}" reads no Kinesis stream: nothing can be put there.`);
  }
  if (source !== undefined) return { source, lake };
  throw new UsageError(`Name the source by --source: ${sources.map((one) => one.name).join(", ")}.`);
}

await runTool(main, "Ending: what is on its way is waited for.");
