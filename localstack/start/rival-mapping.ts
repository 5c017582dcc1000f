import { systemClock } from "../clock.ts";
import { Faults } from "../faults.ts";
import { deployFunctions } from "../functions.ts";
import { JsonClient } from "../gateway/json-client.ts";
import { KinesisMapping } from "../mappings/kinesis-mapping.ts";
import { mappingSettings } from "../mappings/mapping-settings.ts";
import { resolveTemplates, type ResolvedResource } from "../template/resolve-template.ts";
import { readTemplateFile } from "../template/template-file.ts";
import type { LocalStack, MetricSeries, Notice } from "../types.ts";

export interface RivalMapping {
  /** What the rival's workers measured. */
  metrics(): readonly MetricSeries[];
  /** Batches it sent to its workers. */
  batches(): number;
  stop(): Promise<void>;
}

export interface RivalOptions {
  readonly stack: LocalStack;
  readonly template: string;
  /** For its functions' code and logs. */
  readonly directory: string;
  readonly onNotice: (notice: Notice) => void;
}

/**
 * A second mapping of the stream, with workers of its own, that sends every batch as well: what a zombie or a
 * forgotten deployment does at its worst. Both write at the same time, and of each race one loses (X1).
 *
 * It is subject to no faults, and begins at the first record, so that it too is never above a position (X6).
 */
export async function startRivalMapping({ stack, template, directory, onNotice }: RivalOptions): Promise<RivalMapping> {
  const { resources } = resolveTemplates([readTemplateFile(template)], stack.endpoints.sqs);
  const { kinesis, dynamodb, s3, sqs, firehose } = stack.endpoints;
  const faults = new Faults(undefined);
  const [target, settings] = theMapping(resources);
  const functions = await deployFunctions([target], {
    dataDirectory: directory,
    endpoints: { KINESIS: kinesis, DYNAMODB: dynamodb, S3: s3, SQS: sqs, FIREHOSE: firehose },
    userQueueOrigin: sqs,
    faults,
    onNotice,
  });
  const host = functions.hosts.get(target.name);
  if (host === undefined) throw new Error(`The function ${target.name} was not deployed.`);
  const client = new JsonClient(Number(new URL(kinesis).port), "Kinesis_20131202", "application/x-amz-json-1.1");
  const mapping = new KinesisMapping({
    client,
    settings,
    faults,
    clock: systemClock,
    onNotice,
    invoke: (event) => host.invoke(event),
    roleArn: "arn:aws:iam::000000000000:role/rival",
    discard: async () => undefined,
  });
  mapping.start();
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await mapping.stop();
    await functions.stop();
    client.close();
  };
  return {
    metrics: () => functions.metrics.all(),
    batches: () => functions.usage().invocations,
    stop: () => (stopping ??= stop()),
  };
}

/** The stream's mapping, and the function that it invokes. */
function theMapping(resources: readonly ResolvedResource[]) {
  for (const resource of resources) {
    if (resource.type !== "AWS::Lambda::EventSourceMapping") continue;
    const settings = mappingSettings(resource);
    if (settings?.sourceArn.split(":")[2] !== "kinesis") continue;
    const target = resources.find(
      ({ type, name }) => type === "AWS::Lambda::Function" && name === settings.functionName,
    );
    if (target !== undefined) return [target, settings] as const;
  }
  throw new Error("The template maps no Kinesis stream to a function.");
}
