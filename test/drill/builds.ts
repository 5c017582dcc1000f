import { copyFile, mkdir, readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { fileURLToPath } from "node:url";
import { App, Stack, Stage } from "aws-cdk-lib";
import { MillracePipeline } from "millrace/cdk";
import { anyDeparture, flightDelays } from "./pipeline.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));

/** The stack's name in the runbook. */
export const STACK = "flight-delays-prod";

/** Megabytes of the function, and those of the small one. */
const MEMORY = 512;
const SMALL = 192;

/** Builds of the function. */
const HANDLERS = ["first", "lenient", "strict", "broken"] as const;

interface Template {
  readonly Resources: Readonly<Record<string, { readonly Type: string; readonly Properties: Properties }>>;
}
type Properties = Record<string, unknown>;

/** What the first build's function is deployed with by mistake. */
const MISTAKES = {
  /** A table that rows do not fit. */
  narrow: (template) => {
    const { TableInput } = oneOf(template, "AWS::Glue::Table", "hourlydelaysTable") as {
      TableInput: { StorageDescriptor: { Columns: { Name: string; Type: string }[] } };
    };
    TableInput.StorageDescriptor.Columns.find(({ Name }) => Name === "worst_delay")!.Type = "boolean";
  },
  /** A bucket that is not there. */
  astray: (template) => {
    const stream = oneOf(template, "AWS::KinesisFirehose::DeliveryStream", "hourlydelays");
    (stream["ExtendedS3DestinationConfiguration"] as Properties)["BucketARN"] = "arn:aws:s3:::gone";
  },
  /** Memory that the state outgrows, and the alarm that goes with it. */
  small: (template) => {
    const target = oneOf(template, "AWS::Lambda::Function", "PipelinedeparturesFunction");
    const alarm = oneOf(template, "AWS::CloudWatch::Alarm", "departuresStateMemory");
    target["MemorySize"] = SMALL;
    alarm["Threshold"] = (Number(alarm["Threshold"]) * SMALL) / MEMORY;
  },
  /** As many invocations at a time as there are shards, and none for ticks. */
  scarce: (template) => {
    oneOf(template, "AWS::Lambda::Function", "PipelinedeparturesFunction")["ReservedConcurrentExecutions"] = 1;
  },
} as const satisfies Readonly<Record<string, (template: Template) => void>>;

export type Build = (typeof HANDLERS)[number] | keyof typeof MISTAKES;

function oneOf({ Resources }: Template, type: string, part: string): Properties {
  const found = Object.entries(Resources).filter(([id, { Type }]) => Type === type && id.includes(part));
  if (found.length !== 1) throw new Error(`The template has ${found.length} of ${type} that are of ${part}.`);
  return found[0]![1].Properties;
}

/** Synthesizes the stack of every build. @returns the templates' paths */
export async function synthesizedBuilds(directory: string): Promise<ReadonlyMap<Build, string>> {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App({ outdir: directory }); // one, so that what builds share is bundled once
  for (const handler of HANDLERS) pipelineOf(new Stack(new Stage(app, handler), STACK, { stackName: STACK }), handler);
  const assembly = app.synth();
  const templates = new Map<Build, string>();
  const add = async (build: Build, from: string, change: (template: Template) => void = () => undefined) => {
    const [artifact] = assembly.getNestedAssembly(`assembly-${from}`).stacks;
    const template = JSON.parse(await readFile(artifact!.templateFullPath, "utf8")) as Template;
    change(template);
    // Beside the assets, under the stack's name, which a local stack takes from the file.
    const file = path.join(directory, build, `${STACK}.template.json`);
    await mkdir(path.dirname(file), { recursive: true });
    await writeFile(file, JSON.stringify(template));
    const manifest = artifact!.templateFullPath.replace(".template.json", ".assets.json");
    await copyFile(manifest, path.join(path.dirname(file), `${STACK}.assets.json`));
    templates.set(build, file);
  };
  for (const handler of HANDLERS) await add(handler, handler);
  for (const [mistake, change] of Object.entries(MISTAKES))
    await add(mistake as keyof typeof MISTAKES, "first", change);
  return templates;
}

function pipelineOf(stack: Stack, handler: string): void {
  new MillracePipeline(stack, "Pipeline", {
    pipeline: flightDelays(anyDeparture),
    handler: `test/drill/builds/${handler}.ts`,
    projectRoot: ROOT,
    stream: { shards: 1 },
    alarms: { iteratorAge: { minutes: 5 } },
    lakes: { compaction: { every: { hours: 6 }, closedAfter: { seconds: 0 } } },
    // The alarms' clock does not wait for records to be collected.
    mapping: { batchingWindow: { seconds: 0 } },
    // For the turn that closes thousands of windows on a busy machine. A tick that fails comes again after six times as long.
    function: { memory: MEMORY, timeout: { seconds: 6 } },
  });
}
