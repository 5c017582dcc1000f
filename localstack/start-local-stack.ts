import { mkdir } from "node:fs/promises";
import { resolve } from "node:path";
import { AlarmClock } from "./alarms/alarm-clock.ts";
import { standing } from "./alarms/standing.ts";
import { systemClock } from "./clock.ts";
import { createTable } from "./dynamodb/dynamodb-emulator.ts";
import { expireItems } from "./dynamodb/time-to-live.ts";
import { openFunctionUrls, type FunctionUrls } from "./function/function-urls.ts";
import { EventBuses } from "./event-buses.ts";
import { secretOf, type LocalSecret } from "./gateway/secrets-face.ts";
import { EventSources } from "./event-sources.ts";
import { Faults } from "./faults.ts";
import { deliveryStreamSettings, startDeliveryStreams, type FirehoseService } from "./delivery-streams.ts";
import { LocalStackError, reasonOf } from "./errors.ts";
import { deployFunctions, type Functions } from "./functions.ts";
import { createStream, untilActive } from "./kinesis/kinesis-emulator.ts";
import { Metrics } from "./metrics/metrics.ts";
import { isEventRule, ObjectEvents, type EventTargets } from "./object-events.ts";
import { Schedules } from "./schedules.ts";
import { startServices, type Services } from "./services.ts";
import { letsSend, queuePolicies, setQueuePolicies } from "./storage/queue-policies.ts";
import { createQueue } from "./storage/storage-emulator.ts";
import { createTopics } from "./storage/topics.ts";
import { StreamCounts } from "./stream-counts.ts";
import { account } from "./template/account.ts";
import { resolveTemplates, type ResolvedResource, type ResolvedTemplates } from "./template/resolve-template.ts";
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
  const metrics = new Metrics();
  let eventSources: EventSources | undefined;
  let firehose: FirehoseService | undefined;
  let schedules: Schedules | undefined;
  let buses = new EventBuses([]);
  let secrets: readonly LocalSecret[] = [];
  let stacks: ResolvedTemplates["stacks"] = [];
  const services = await startServices(dataDirectory, faults, systemClock, {
    onNotice,
    firehose: () => started(firehose),
    schedules: () => started(schedules),
    buses: () => buses,
    secrets: () => secrets,
    stacks: () => stacks,
    onPut: (stream, shardId, count) => {
      streamCounts.add(stream, count);
      eventSources?.onPut(stream, shardId);
    },
    onRoll: (arn) => eventSources?.onReshard(arn),
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
  let urls: FunctionUrls | undefined;
  const stop = async () => {
    await urls?.close();
    await eventSources?.stop();
    await functions?.stop();
    await firehose?.stop();
    await services.stop();
  };
  try {
    const resolved = resolveTemplates(files, services.gateways.sqs.userOrigin);
    const { resources, outputs } = resolved;
    stacks = resolved.stacks;
    announce(resources, onNotice);
    await createResources(resources, services);
    await createTopics(services.storage.port, resources, onNotice);
    buses = new EventBuses(ofType(resources, "AWS::Events::EventBus").map(({ name }) => name));
    secrets = ofType(resources, "AWS::SecretsManager::Secret").map(secretOf);
    const { gateways } = services;
    firehose = startDeliveryStreams(resources, {
      dataDirectory,
      services,
      clock: systemClock,
      timeScale: options.timeScale ?? 1,
      activePartitions: options.activePartitions,
      metrics,
      onNotice,
    });
    functions = await deployFunctions(ofType(resources, "AWS::Lambda::Function"), {
      dataDirectory,
      endpoints: {
        KINESIS: gateways.kinesis.functionOrigin,
        DYNAMODB: gateways.dynamodb.functionOrigin,
        DYNAMODB_STREAMS: gateways.dynamodb.functionOrigin,
        S3: gateways.s3.functionOrigin,
        SQS: gateways.sqs.functionOrigin,
        FIREHOSE: gateways.firehose.functionOrigin,
        SNS: gateways.sns.functionOrigin,
        EVENTBRIDGE: gateways.eventbridge.functionOrigin,
        SECRETS_MANAGER: gateways.secrets.functionOrigin,
      },
      userQueueOrigin: gateways.sqs.userOrigin,
      faults,
      metrics,
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
    const rules = ofType(resources, "AWS::Events::Rule");
    const sending: Pick<EventTargets, "send" | "maySend"> = {
      send: (queue, body) => services.storage.sendMessage(queue, body),
      maySend: async ({ name, arn, ruleArn }) =>
        letsSend(await services.storage.policyOf(name), {
          ...{ service: "events.amazonaws.com", sourceArn: ruleArn, queueArn: arn },
        }),
    };
    tellOfObjects(rules.filter(isEventRule), ofType(resources, "AWS::S3::Bucket"), services, sending, faults, onNotice);
    schedules = new Schedules(
      rules.filter((rule) => !isEventRule(rule)),
      {
        ...sending,
        invoke: async (name, event) => {
          const outcome = await hosts.get(name)!.invoke(Buffer.from(event));
          if (!outcome.ok) onNotice({ level: "warning", text: `${name}, started by a schedule, failed: see its log` });
        },
        hasFunction: (name) => hosts.has(name),
      },
      metrics,
    );
    const alarms = new AlarmClock(resources, metrics, standing({ services, firehose, eventSources }));
    eventSources.start();
    let policies = queuePolicies(resources);
    const update = async (paths: readonly string[]) => {
      const next = resolveTemplates(
        paths.map((path) => readTemplateFile(resolve(path))),
        services.gateways.sqs.userOrigin,
      );
      sameResources(resources, next.resources);
      await functions?.update(ofType(next.resources, "AWS::Lambda::Function"));
      firehose?.update(deliveryStreamSettings(next.resources));
      alarms.update(next.resources);
      const { queues, urlOf } = services.storage;
      await setQueuePolicies(queues, urlOf, queuePolicies(next.resources), policies);
      policies = queuePolicies(next.resources);
    };
    urls = await openFunctionUrls(ofType(resources, "AWS::Lambda::Url"), hosts);
    const parts = { services, urls, buses, firehose, functions, eventSources, schedules, metrics, alarms, faults };
    return running({ ...parts, resources, outputs, update, stop });
  } catch (error) {
    await stop();
    throw error;
  }
};

function started<Part>(part: Part | undefined): Part {
  if (part === undefined) throw new LocalStackError("ServiceUnavailableException", "The stack is still starting.");
  return part;
}

function announce(resources: readonly ResolvedResource[], onNotice: (notice: Notice) => void): void {
  for (const { type, logicalId } of resources) {
    if (!runTypes.has(type) && !needsNoRunning(type)) {
      onNotice({ level: "warning", text: `${logicalId} is not run: the local stack knows no ${type}` });
    }
  }
}

/** What is made once cannot be made or taken away by an update here. @throws LocalStackError */
function sameResources(before: readonly ResolvedResource[], after: readonly ResolvedResource[]): void {
  const made = (all: readonly ResolvedResource[]) =>
    new Set(all.filter(({ type }) => runTypes.has(type)).map(({ logicalId }) => logicalId));
  const [old, now] = [made(before), made(after)];
  const differing = [...old, ...now].filter((id) => !old.has(id) || !now.has(id));
  if (differing.length > 0)
    throw new LocalStackError("UpdateRefused", `An update makes and removes nothing here: ${differing.join(", ")}.`);
}

function ofType(resources: readonly ResolvedResource[], ...types: readonly string[]): readonly ResolvedResource[] {
  return resources.filter((resource) => types.includes(resource.type));
}

/** Has what is put into buckets be told of, as the templates' rules say. */
function tellOfObjects(
  rules: readonly ResolvedResource[],
  buckets: readonly ResolvedResource[],
  { storage }: Services,
  sending: Pick<EventTargets, "send" | "maySend">,
  faults: Faults,
  onNotice: (notice: Notice) => void,
): void {
  const warn = (text: string) => onNotice({ level: "warning", text });
  const onRefused = (rule: string) => warn(`${rule}: the queue's policy does not let it send`);
  const events = new ObjectEvents(rules, buckets, { ...sending, onRefused }, faults);
  storage.objects.onCreated = (bucket, object) => {
    events.created(bucket, object).catch((error: unknown) => warn(`an event of ${bucket} is lost: ${reasonOf(error)}`));
  };
}

const tableTypes = ["AWS::DynamoDB::Table", "AWS::DynamoDB::GlobalTable"] as const;

async function createResources(resources: readonly ResolvedResource[], services: Services): Promise<void> {
  const { kinesis, dynamodb, storage } = services;
  for (const bucket of ofType(resources, "AWS::S3::Bucket")) storage.objects.createBucket(bucket.name);
  await Promise.all([
    ...ofType(resources, "AWS::Kinesis::Stream").map((stream) => createStream(kinesis.client, stream)),
    ...ofType(resources, ...tableTypes).map(async (table) => {
      await createTable(dynamodb.client, table);
      services.tableStreams.add(table);
    }),
    ...ofType(resources, "AWS::SQS::Queue").map((queue) => createQueue(storage.queues, queue)),
  ]);
  await setQueuePolicies(storage.queues, storage.urlOf, queuePolicies(resources));
}

interface Parts {
  readonly services: Services;
  readonly urls: FunctionUrls;
  readonly buses: EventBuses;
  readonly firehose: FirehoseService;
  readonly functions: Functions;
  readonly eventSources: EventSources;
  readonly schedules: Schedules;
  readonly metrics: Metrics;
  readonly alarms: AlarmClock;
  readonly faults: Faults;
  readonly resources: readonly ResolvedResource[];
  readonly outputs: Readonly<Record<string, string>>;
  readonly update: LocalStack["update"];
  readonly stop: () => Promise<void>;
}

/** What the SDK calls a service in its variables, where it is another name than the endpoint's. */
const VARIABLES: Readonly<Record<string, string>> = { secretsmanager: "SECRETS_MANAGER" };

function running({ services, urls, buses, firehose, functions, eventSources, schedules, ...parts }: Parts): LocalStack {
  const { metrics, alarms, faults, resources, outputs, update, stop } = parts;
  const { gateways, storage, dynamodb } = services;
  const endpoints = {
    kinesis: gateways.kinesis.userOrigin,
    dynamodb: gateways.dynamodb.userOrigin,
    s3: gateways.s3.userOrigin,
    sqs: gateways.sqs.userOrigin,
    sns: gateways.sns.userOrigin,
    secretsmanager: gateways.secrets.userOrigin,
    firehose: gateways.firehose.userOrigin,
    eventbridge: gateways.eventbridge.userOrigin,
    cloudformation: gateways.cloudformation.userOrigin,
  };
  let stopping: Promise<void> | undefined;
  return {
    endpoints,
    environment: {
      ...Object.fromEntries(
        Object.entries(endpoints).map(([service, origin]) => [
          `AWS_ENDPOINT_URL_${VARIABLES[service] ?? service.toUpperCase()}`,
          origin,
        ]),
      ),
      AWS_ENDPOINT_URL_DYNAMODB_STREAMS: endpoints.dynamodb,
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
    metrics: () => metrics.all(),
    injected: () => faults.injected(),
    lag: () => eventSources.lag(),
    behind: () => eventSources.behind(),
    calm: () => faults.calm(),
    setDeliveryStreams: (health) => {
      faults.deliveryStreams = health;
    },
    update,
    runSchedules: () => schedules.run(),
    functionUrl: (name) => urls.of(name),
    events: (bus) => buses.events(bus),
    expireItems: (now) => expireItems(dynamodb.client, services.tableStreams, ofType(resources, ...tableTypes), now),
    passMinutes: (minutes) => alarms.pass(minutes),
    expireRecords: () => eventSources.expireRecords(),
    rollTableStream: (table, children) => services.tableStreams.roll(table, children),
    flushDeliveryStreams: () => firehose.flush(),
    objectFiles: async (bucket, prefix) => storage.objects.files(bucket, prefix),
    stop: () => (stopping ??= stop()),
  };
}
