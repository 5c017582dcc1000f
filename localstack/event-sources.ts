import type { Clock } from "./clock.ts";
import { tableShards } from "./dynamodb/table-shards.ts";
import { LocalStackError } from "./errors.ts";
import type { Faults } from "./faults.ts";
import type { FunctionHost } from "./function/function-host.ts";
import { reportDiscard } from "./mappings/failure-destination.ts";
import { KafkaMapping } from "./mappings/kafka-mapping.ts";
import { mappingSettings, type MappingSettings } from "./mappings/mapping-settings.ts";
import { kinesisShards, type ShardSource } from "./mappings/shard-source.ts";
import { SqsMapping } from "./mappings/sqs-mapping.ts";
import { StreamMapping } from "./mappings/stream-mapping.ts";
import type { Services } from "./services.ts";
import type { StreamCounts } from "./stream-counts.ts";
import { account } from "./template/account.ts";
import type { ResolvedResource } from "./template/resolve-template.ts";
import type { LocalStack, Notice } from "./types.ts";

export interface EventSourcesOptions {
  readonly services: Services;
  readonly functions: ReadonlyMap<string, FunctionHost>;
  readonly streamCounts: StreamCounts;
  readonly faults: Faults;
  readonly clock: Clock;
  readonly onNotice: (notice: Notice) => void;
}

/** All event source mappings of the templates, and how far they have come. */
export class EventSources {
  private readonly options: EventSourcesOptions;
  private readonly streams: StreamMapping[] = [];
  private readonly sqs: SqsMapping[] = [];
  private readonly kafka: KafkaMapping[] = [];
  private inFlight = 0;
  private expiredBefore = 0;
  /** Rises with everything that may change a lag, so that a reading taken in parts can be known to be whole. */
  private changes = 0;

  constructor(resources: readonly ResolvedResource[], options: EventSourcesOptions) {
    this.options = options;
    for (const resource of resources) {
      const settings = mappingSettings(resource);
      if (settings !== undefined) this.add(settings);
    }
  }

  start(): void {
    for (const mapping of [...this.streams, ...this.sqs, ...this.kafka]) mapping.start();
  }

  /** Has every stream forget what it holds, as when its retention has passed: what is not done with is given up. */
  expireRecords(): void {
    this.expiredBefore = this.options.clock.now();
  }

  /** To be called when a shard took records, after they were counted. */
  onPut(stream: string, shardId: string): void {
    this.changes += 1;
    for (const mapping of this.streams) if (mapping.stream === stream) mapping.notify(shardId);
  }

  onReshard(stream: string): void {
    for (const mapping of this.streams) if (mapping.stream === stream) mapping.reshard();
  }

  async lag(): ReturnType<LocalStack["lag"]> {
    const queues = new Set(this.sqs.map((mapping) => mapping.settings.sourceArn.split(":").at(-1)));
    for (;;) {
      const before = this.changes;
      const counts = (await this.options.services.storage.queueCounts()).filter(({ name }) => queues.has(name));
      const total = (pick: (count: (typeof counts)[number]) => number) =>
        counts.reduce((sum, count) => sum + pick(count), 0);
      const lag = {
        recordsBehind: Object.values(this.behind()).reduce((sum, own) => sum + own, 0) + (await this.offsetsBehind()),
        inFlight: this.inFlight,
        hiddenMessages: total((count) => count.approximateInflightCount),
        delayedMessages: total((count) => count.approximateDelayedCount),
        visibleMessages: total((count) => count.approximateMessageCount),
      };
      // What a batch sent or answered while the queues were asked could be in neither count: nothing may then be
      // said to be nothing.
      const isNothing = Object.values(lag).every((count) => count === 0);
      if (!isNothing || this.changes === before) return lag;
    }
  }

  /** Offsets of topics that are not done with. */
  private async offsetsBehind(): Promise<number> {
    const behind = await Promise.all(this.kafka.map((mapping) => mapping.behind()));
    return behind.reduce((sum, own) => sum + own, 0);
  }

  /** Records that were put and are not done with, by stream. */
  behind(): Readonly<Record<string, number>> {
    const behind: Record<string, number> = {};
    for (const mapping of this.streams) {
      // A record can be done before its put is answered, and so before it is counted.
      const own = Math.max(0, this.options.streamCounts.of(mapping.stream) - mapping.recordsDone);
      behind[mapping.stream] = (behind[mapping.stream] ?? 0) + own;
    }
    return behind;
  }

  /** Of each function that reads a stream: how many records the stream took, and how many are done with. */
  progress(): readonly { readonly functionName: string; readonly put: number; readonly done: number }[] {
    return this.streams.map(({ settings, stream, recordsDone }) => {
      const put = this.options.streamCounts.of(stream);
      return { functionName: settings.functionName, put, done: Math.min(put, recordsDone) };
    });
  }

  async stop(): Promise<void> {
    await Promise.all([...this.streams, ...this.sqs, ...this.kafka].map((mapping) => mapping.stop()));
  }

  private shardsOf({ sourceArn, functionName }: MappingSettings): ShardSource {
    const { kinesis, tableStreams } = this.options.services;
    if (sourceArn.split(":")[2] === "dynamodb") return tableShards(tableStreams, sourceArn);
    const roleArn = `arn:${account.partition}:iam::${account.id}:role/${functionName}`;
    return kinesisShards(kinesis.client, sourceArn, roleArn);
  }

  private add(settings: MappingSettings): void {
    const { services, functions, faults, clock, onNotice } = this.options;
    const host = functions.get(settings.functionName);
    if (host === undefined) {
      throw new LocalStackError(
        "MappingRefused",
        `The event source mapping ${settings.logicalId} invokes ${settings.functionName}, which no given template defines.`,
      );
    }
    const invoke = async (event: Buffer) => {
      this.inFlight += 1;
      this.changes += 1;
      try {
        return await host.invoke(event);
      } finally {
        this.inFlight -= 1;
        this.changes += 1;
      }
    };
    const common = { settings, faults, clock, onNotice, invoke };
    if (settings.kafka !== undefined) {
      this.kafka.push(new KafkaMapping({ ...common, endpoint: settings.kafka }));
      return;
    }
    const expiredBefore = () => this.expiredBefore;
    if (settings.sourceArn.split(":")[2] === "sqs") {
      const queueUrl = services.storage.urlOf(settings.sourceArn.split(":").at(-1) ?? "");
      this.sqs.push(new SqsMapping({ ...common, client: services.storage.queues, queueUrl }));
      return;
    }
    const destination = {
      sendMessage: (queueName: string, body: string) => services.storage.sendMessage(queueName, body),
      putObject: (bucket: string, key: string, body: Buffer) => {
        services.storage.objects.putObject(bucket, key, body, "application/json");
        services.gateways.s3.count("PutObject", body.length, 0);
      },
      functionArn: host.settings.arn,
      now: () => clock.now(),
      onNotice,
    };
    this.streams.push(
      new StreamMapping({
        ...common,
        expiredBefore,
        shards: this.shardsOf(settings),
        discard: (shardId, discard) => reportDiscard(settings, shardId, discard, destination),
      }),
    );
  }
}
