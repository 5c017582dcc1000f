import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { systemClock } from "./clock.ts";
import { createTable } from "./dynamodb/dynamodb-emulator.ts";
import { expireItems } from "./dynamodb/time-to-live.ts";
import { EventSources } from "./event-sources.ts";
import { Faults } from "./faults.ts";
import { startDeliveryStreams, type FirehoseService } from "./delivery-streams.ts";
import { LocalStackError, reasonOf } from "./errors.ts";
import { deployFunctions, type Functions } from "./functions.ts";
import { createStream, untilActive } from "./kinesis/kinesis-emulator.ts";
import { Schedules } from "./schedules.ts";
import { startServices, type Services } from "./services.ts";
import { createQueue } from "./storage/storage-emulator.ts";
import { StreamCounts } from "./stream-counts.ts";
import { account } from "./template/account.ts";
import { resolveTemplates, type ResolvedResource } from "./template/resolve-template.ts";
import { needsNoRunning, runTypes } from "./template/runnable-types.ts";
import { readTemplateFile } from "./template/template-file.ts";
import type { LocalStack, Notice, StartLocalStack } from "./types.ts";

export const startLocalStack: StartLocalStack = async (options) => {
  const dataDirectory = resolve(options.dataDirectory);
  const files = options.templates.map((path) => readTemplateFile(resolve(path)));
  await mkdir(dataDirectory, { recursive: true });
  const onNotice = options.onNotice ?? (() => undefined);
  const faults = new Faults(options.faults);
  const streamCounts = new StreamCounts();
  let eventSources: EventSources | undefined;
  let firehose: FirehoseService | undefined;
  const services = await startServices(dataDirectory, faults, systemClock, {
    onNotice,
    firehose: () => {
      if (firehose === undefined)
        throw new LocalStackError("ServiceUnavailableException", "The stack is still starting.");
      return firehose;
    },
    onPut: (stream, shardId, count) => {
      streamCounts.add(stream, count);
      eventSources?.onPut(stream, shardId);
    },
    onReshard: (stream) => {
      // The shards change after the answer, as they do on AWS.
      untilActive(services.kinesis.client, stream).then(
        () => eventSources?.onReshard(stream),
        // Mappings list the shards every second anyway.
        (error: unknown) => onNotice({ level: "warning", text: `resharding ${stream}: ${reasonOf(error)}` }),
      );
    },
  });
  let functions: Functions | undefined;
  const stop = async () => {
    await eventSources?.stop();
    await functions?.stop();
    await firehose?.stop();
    await services.stop();
  };
  try {
    const { resources, outputs } = resolveTemplates(files, services.gateways.sqs.userOrigin);
    announce(resources, onNotice);
    await createResources(resources, services);
    const { gateways } = services;
    firehose = startDeliveryStreams(resources, {
      dataDirectory,
      services,
      clock: systemClock,
      timeScale: options.timeScale ?? 1,
      onNotice,
    });
    functions = await deployFunctions(ofType(resources, "AWS::Lambda::Function"), {
      dataDirectory,
      endpoints: {
        KINESIS: gateways.kinesis.functionOrigin,
        DYNAMODB: gateways.dynamodb.functionOrigin,
        S3: gateways.s3.functionOrigin,
        SQS: gateways.sqs.functionOrigin,
        FIREHOSE: gateways.firehose.functionOrigin,
      },
      userQueueOrigin: gateways.sqs.userOrigin,
      faults,
      onNotice,
    });
    eventSources = new EventSources(ofType(resources, "AWS::Lambda::EventSourceMapping"), {
      services,
      functions: functions.hosts,
      streamCounts,
      faults,
      clock: systemClock,
      onNotice,
    });
    const { hosts } = functions;
    const schedules = new Schedules(ofType(resources, "AWS::Events::Rule"), {
      send: (queue, body) => services.storage.sendMessage(queue, body),
      invoke: async (name, event) => {
        const outcome = await hosts.get(name)!.invoke(Buffer.from(event));
        if (!outcome.ok) onNotice({ level: "warning", text: `${name}, started by a schedule, failed: see its log` });
      },
      hasFunction: (name) => hosts.has(name),
    });
    eventSources.start();
    return running({ services, firehose, functions, eventSources, schedules, faults, resources, outputs, stop });
  } catch (error) {
    await stop();
    throw error;
  }
};

function announce(resources: readonly ResolvedResource[], onNotice: (notice: Notice) => void): void {
  for (const { type, logicalId } of resources) {
    if (!runTypes.has(type) && !needsNoRunning(type)) {
      onNotice({ level: "warning", text: `${logicalId} is not run: the local stack knows no ${type}` });
    }
  }
}

function ofType(resources: readonly ResolvedResource[], ...types: readonly string[]): readonly ResolvedResource[] {
  return resources.filter((resource) => types.includes(resource.type));
}

const tableTypes = ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"] as const;

async function createResources(resources: readonly ResolvedResource[], services: Services): Promise<void> {
  const { kinesis, dynamodb, storage } = services;
  for (const bucket of ofType(resources, "AWS::S3::Bucket")) storage.objects.createBucket(bucket.name);
  await Promise.all([
    ...ofType(resources, "AWS::Kinesis::Stream").map((stream) => createStream(kinesis.client, stream)),
    ...ofType(resources, ...tableTypes).map((table) => createTable(dynamodb.client, table)),
    ...ofType(resources, "AWS::SQS::Queue").map((queue) => createQueue(storage.queues, queue)),
  ]);
}

interface Parts {
  readonly services: Services;
  readonly firehose: FirehoseService;
  readonly functions: Functions;
  readonly eventSources: EventSources;
  readonly schedules: Schedules;
  readonly faults: Faults;
  readonly resources: readonly ResolvedResource[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly stop: () => Promise<void>;
}

function running({ services, firehose, functions, eventSources, schedules, ...parts }: Parts): LocalStack {
  const { faults, resources, outputs, stop } = parts;
  const { gateways, storage, dynamodb } = services;
  const endpoints = {
    kinesis: gateways.kinesis.userOrigin,
    dynamodb: gateways.dynamodb.userOrigin,
    s3: gateways.s3.userOrigin,
    sqs: gateways.sqs.userOrigin,
    firehose: gateways.firehose.userOrigin,
  };
  let stopping: Promise<void> | undefined;
  return {
    endpoints,
    environment: {
      ...Object.fromEntries(
        Object.entries(endpoints).map(([service, origin]) => [`AWS_ENDPOINT_URL_${service.toUpperCase()}`, origin]),
      ),
      AWS_REGION: account.region,
      AWS_DEFAULT_REGION: account.region,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
    },
    resources,
    outputs,
    usage: () => ({
      dynamodb: { ...gateways.dynamodb.usage(), ...services.tableUnits() },
      kinesis: { ...gateways.kinesis.usage(), functionPutUnits: services.functionPutUnits() },
      s3: gateways.s3.usage(),
      sqs: gateways.sqs.usage(),
      firehose: { ...gateways.firehose.usage(), records: firehose.records, billedBytes: firehose.billedBytes },
      lambda: functions.usage(),
    }),
    metrics: () => functions.metrics.all(),
    injected: () => faults.injected(),
    lag: () => eventSources.lag(),
    behind: () => eventSources.behind(),
    calm: () => faults.calm(),
    runSchedules: () => schedules.run(),
    expireItems: (now) => expireItems(dynamodb.client, ofType(resources, ...tableTypes), now),
    flushDeliveryStreams: () => firehose.flush(),
    objectFiles: async (bucket, prefix) => storage.objects.files(bucket, prefix),
    stop: () => (stopping ??= stop()),
  };
}
