import { readBindings } from "../../lib/plan/bindings.ts";
import { systemClock } from "../clock.ts";
import { Faults } from "../faults.ts";
import { deployFunctions } from "../functions.ts";
import { JsonClient } from "../gateway/json-client.ts";
import { kinesisShards } from "../mappings/shard-source.ts";
import { StreamMapping } from "../mappings/stream-mapping.ts";
import { Metrics } from "../metrics/metrics.ts";
import { mappingSettings, type MappingSettings } from "../mappings/mapping-settings.ts";
import { resolveTemplates, type ResolvedResource } from "../template/resolve-template.ts";
import { readTemplateFile } from "../template/template-file.ts";
import type { LocalStack, MetricSeries, Notice } from "../types.ts";

export interface RivalMapping {
  /** What the rival's workers measured. */
  metrics(): readonly MetricSeries[];
  /** Batches it sent to its workers, by stage. */
  batches(): ReadonlyMap<string, number>;
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
 * A second mapping of every stream, with workers of their own, that send every batch as well: what zombies or a
 * forgotten deployment do at their worst. Both write at the same time, and of each race one loses (X1); what both put
 * into an internal stream is there twice (X8).
 *
 * They are subject to no faults, and begin at the first record, so that they too are never above a position (X6).
 */
export async function startRivalMapping({ stack, template, directory, onNotice }: RivalOptions): Promise<RivalMapping> {
  const { resources } = resolveTemplates([readTemplateFile(template)], stack.endpoints.sqs);
  const { kinesis, dynamodb, s3, sqs, firehose, sns, eventbridge, secretsmanager } = stack.endpoints;
  const faults = new Faults(undefined);
  const metrics = new Metrics();
  const mapped = mappedFunctions(resources);
  const functions = await deployFunctions(
    mapped.map(({ target }) => target),
    {
      dataDirectory: directory,
      endpoints: {
        KINESIS: kinesis,
        DYNAMODB: dynamodb,
        DYNAMODB_STREAMS: dynamodb,
        S3: s3,
        SQS: sqs,
        FIREHOSE: firehose,
        SNS: sns,
        EVENTBRIDGE: eventbridge,
        SECRETS_MANAGER: secretsmanager,
      },
      userQueueOrigin: sqs,
      faults,
      metrics,
      onNotice,
    },
  );
  const client = new JsonClient(Number(new URL(kinesis).port), "Kinesis_20131202", "application/x-amz-json-1.1");
  const rivals = mapped.map(({ stage, target, settings }) => {
    const host = functions.hosts.get(target.name);
    if (host === undefined) throw new Error(`The function ${target.name} was not deployed.`);
    const mapping = new StreamMapping({
      shards: kinesisShards(client, settings.sourceArn, "arn:aws:iam::000000000000:role/rival"),
      settings,
      faults,
      clock: systemClock,
      onNotice,
      invoke: (event) => host.invoke(event),
      discard: async () => undefined,
    });
    mapping.start();
    return { stage, host, mapping };
  });
  let stopping: Promise<void> | undefined;
  const stop = async (): Promise<void> => {
    await Promise.all(rivals.map(({ mapping }) => mapping.stop()));
    await functions.stop();
    client.close();
  };
  return {
    metrics: () => metrics.all(),
    batches: () => new Map(rivals.map(({ stage, host }) => [stage, host.usage().invocations])),
    stop: () => (stopping ??= stop()),
  };
}

interface MappedFunction {
  readonly stage: string;
  readonly target: ResolvedResource;
  readonly settings: MappingSettings;
}

/** Each stream's mapping, and the function that it invokes. */
function mappedFunctions(resources: readonly ResolvedResource[]): readonly MappedFunction[] {
  const mapped = resources.flatMap((resource) => {
    const settings = resource.type === "AWS::Lambda::EventSourceMapping" ? mappingSettings(resource) : undefined;
    if (settings?.sourceArn.split(":")[2] !== "kinesis") return [];
    const target = resources.find(
      ({ type, name }) => type === "AWS::Lambda::Function" && name === settings.functionName,
    );
    return target === undefined ? [] : [{ stage: stageOf(target), target, settings }];
  });
  if (mapped.length === 0) throw new Error("The template maps no Kinesis stream to a function.");
  return mapped;
}

function stageOf({ properties }: ResolvedResource): string {
  const { Variables = {} } = properties["Environment"] as {
    readonly Variables?: Readonly<Record<string, string>>;
  };
  return readBindings(Variables).stage;
}
