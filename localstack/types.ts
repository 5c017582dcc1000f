/**
 * What the local stack offers to those who start it. It stands in for AWS: it reads synthesized
 * templates and knows no pipeline by name.
 */

export interface LocalStackOptions {
  /** Paths of synthesized CloudFormation templates (`cdk.out/*.template.json`); their assets lie beside them. */
  readonly templates: readonly string[];
  /** A directory the stack may fill: S3 objects, Kinesis records, logs. Created when missing. */
  readonly dataDirectory: string;
  /** Service-side waiting (Firehose buffer intervals) is divided by this. @default 1 */
  readonly timeScale?: number;
  /** The most folders that a delivery stream writes at a time, where rows say theirs. @default 500, AWS's quota */
  readonly activePartitions?: number;
  /** Faults to inject, drawn from a seed. @default none */
  readonly faults?: FaultPlan;
  /** Told aloud: resources that cannot be run, restarts, contained functions, retries. */
  readonly onNotice?: (notice: Notice) => void;
}

export interface Notice {
  readonly level: "info" | "warning";
  readonly text: string;
}

/** Probabilities from 0 to 1 of each fault, per opportunity. */
export interface FaultPlan {
  readonly seed: number;
  /** A worker is killed (SIGKILL) at a random moment of an invocation. */
  readonly killWorker: number;
  /** A successful invocation's answer is thrown away, so that the batch comes again. */
  readonly repeatBatch: number;
  /** A batch is cut short at a random place before it is sent. */
  readonly cutBatch: number;
  /** A table request is answered with a throttling error. */
  readonly throttleTable: number;
  /** A table write is carried out and its answer lost (the connection is cut). */
  readonly loseTableAnswer: number;
  /** Some or all records of a function's PutRecords are refused for the shard's throughput. */
  readonly throttleStream: number;
  /** A function's PutRecords is carried out and its answer lost (the connection is cut). */
  readonly loseStreamAnswer: number;
  /** A sink's request (Firehose, SQS, SNS, EventBridge, S3) fails with a 500 or 503. */
  readonly failSink: number;
  /** Some entries of a batch fail: of PutRecordBatch, SendMessageBatch or PutEvents. */
  readonly failSinkPartly: number;
  /** A sink's request is carried out, then answered with an error, so that the writer repeats it. */
  readonly repeatSink: number;
  /** A sink's request is delayed by up to `delayMillis`. */
  readonly delaySink: number;
  readonly delayMillis: number;
  /**
   * A child shard is read at once, beside its parents, and not after them: AWS promises no order between them for
   * Kinesis. Drawn once a child.
   */
  readonly earlyChild: number;
}

/** Well, slow (each request takes a second more), or down: every request is refused with a 503. */
export type Health = "well" | "slow" | "down";

export type FaultName = Exclude<keyof FaultPlan, "seed" | "delayMillis">;

/** One service as the stack counted it. */
export interface ServiceUsage {
  /** Requests by operation name, e.g. `PutItem`. */
  readonly requests: Readonly<Record<string, number>>;
  readonly bytesIn: number;
  readonly bytesOut: number;
}

export interface Usage {
  readonly dynamodb: ServiceUsage & { readonly writeUnits: number; readonly readUnits: number };
  /** `functionPutUnits` are PUT payload units, 25 KB each, of what functions put. */
  readonly kinesis: ServiceUsage & { readonly functionPutUnits: number };
  readonly s3: ServiceUsage;
  readonly sqs: ServiceUsage;
  /** `billedBytes` rounds each record up to 5 KB, as the price does. */
  readonly firehose: ServiceUsage & { readonly records: number; readonly billedBytes: number };
  readonly lambda: {
    readonly invocations: number;
    readonly errors: number;
    readonly restarts: number;
    readonly durationMillis: number;
    readonly gigabyteSeconds: number;
    readonly payloadBytes: number;
  };
}

/** A metric as functions printed it (CloudWatch embedded metric format, read from their output). */
export interface MetricSeries {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly count: number;
  readonly sum: number;
  readonly last: number;
  readonly max: number;
  /** Up to 100,000 samples, the newest kept. */
  readonly samples: readonly number[];
}

/** An alarm of the template, judged as CloudWatch would, or why it cannot be. */
export type LocalAlarm =
  | { readonly logicalId: string; readonly description: string; readonly state: "ALARM" | "OK" }
  | { readonly logicalId: string; readonly unjudged: string };

/** An event on a bus. */
export interface LocalEvent {
  readonly id: string;
  readonly source: string;
  readonly detailType: string;
  readonly detail: Readonly<Record<string, unknown>>;
  readonly traceHeader: string | undefined;
}

/** A resource of the template, resolved. */
export interface StackResource {
  readonly logicalId: string;
  readonly type: string;
  /** What `Ref` gives: a name, or a queue's URL. */
  readonly ref: string;
  readonly arn: string | undefined;
  /** Properties with every intrinsic resolved. */
  readonly properties: Readonly<Record<string, unknown>>;
}

export interface LocalStack {
  /** `http://127.0.0.1:PORT` per service. */
  readonly endpoints: Readonly<
    Record<
      "kinesis" | "dynamodb" | "s3" | "sqs" | "sns" | "firehose" | "eventbridge" | "secretsmanager" | "cloudformation",
      string
    >
  >;
  /** What a client or the AWS CLI needs: AWS_ENDPOINT_URL_*, region and dummy credentials. */
  readonly environment: Readonly<Record<string, string>>;
  readonly resources: readonly StackResource[];
  /** Stack outputs by name, resolved. */
  readonly outputs: Readonly<Record<string, string>>;
  usage(): Usage;
  metrics(): readonly MetricSeries[];
  /** How often each fault was injected so far. */
  injected(): Readonly<Record<FaultName, number>>;
  /** How far the mappings have come: records read from streams and not yet answered with success. */
  lag(): Promise<{
    readonly recordsBehind: number;
    /** Invocations under way. */
    readonly inFlight: number;
    /** Messages that were received: their invocation is under way, or failed and they wait to be visible again. */
    readonly hiddenMessages: number;
    readonly delayedMessages: number;
    readonly visibleMessages: number;
  }>;
  /** Records read from streams and not yet answered with success, by stream. */
  behind(): Readonly<Record<string, number>>;
  /** No more faults from now on. */
  calm(): void;
  /** How delivery streams answer functions from now on. */
  setDeliveryStreams(health: Health): void;
  /**
   * Puts another build in place, as an update of the stack does, from templates of the same resources: functions' code and
   * settings, delivery streams, alarms. Data stays; streams, tables, queues, mappings and rules are as they were.
   */
  update(templates: readonly string[]): Promise<void>;
  /** `http://127.0.0.1:PORT/…` of the function that has a URL. @param functionName or its ARN */
  functionUrl(functionName: string): string;
  /** What was put on an event bus so far. @param bus its name */
  events(bus: string): readonly LocalEvent[];
  /** Sends what every enabled rule with a schedule sends when its time has come. Nothing here waits for that time. */
  runSchedules(): Promise<void>;
  /**
   * Deletes items past their time to live, which AWS does in the background within days. `now` is epoch milliseconds.
   * Gives how many there were.
   */
  expireItems(now: number): Promise<number>;
  /**
   * Lets minutes pass on the clock of the templates' alarms, which nothing else moves: what was measured since the last
   * time falls in the first of them, and what stands (the depth of a queue, an age) is measured in each. Gives every alarm.
   */
  passMinutes(minutes: number): Promise<readonly LocalAlarm[]>;
  /**
   * Has every stream forget what it holds, as though its retention had passed: mappings give up what is not done with, and
   * say so in their on-failure destinations. AWS documents no `condition` for it.
   */
  expireRecords(): void;
  /**
   * Closes every open shard of a table's stream, as DynamoDB does about every four hours: others go on in its place, this many
   * for each (more than one as when the table's partition is split). @default 1
   */
  rollTableStream(table: string, children?: number): void;
  /** Writes what delivery streams hold in their buffers to S3 now. */
  flushDeliveryStreams(): Promise<void>;
  /** Local paths of the objects below a prefix, for readers such as DuckDB. */
  objectFiles(bucket: string, prefix: string): Promise<readonly string[]>;
  /** Ends every process and server it started. */
  stop(): Promise<void>;
}

export type StartLocalStack = (options: LocalStackOptions) => Promise<LocalStack>;
