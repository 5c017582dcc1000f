import { Duration as CdkDuration } from "aws-cdk-lib";
import { CfnEventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import { CfnQueue, Queue, QueueEncryption, type IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { Duration } from "../../time/duration.ts";
import { refuseSetting, secondsWithin, wholeWithin } from "../limits.ts";
import type { Exception, Grant, Place } from "../provisioned.ts";

/** How a queue is read. */
export interface ReadQueueSettings {
  /**
   * The queue that is there already. It needs a redrive policy, and a visibility timeout of six times the function's time-out and
   * the batching window. @default one is made, with a queue for what is set aside
   */
  readonly existing?: IQueue;
  /** How long messages wait, 1 minute to 14 days; whole seconds. What is set aside goes on ageing, and is kept for 14 days. @default 7 days */
  readonly retention?: Duration;
  /** How often a message may come before it is set aside, 10 to 1,000; while a sink is down it comes once each visibility timeout. @default 100 */
  readonly maxReceives?: number;
  /** The most messages of a batch, 1 to 10,000, and 10 of a FIFO queue. @default 10 */
  readonly batchSize?: number;
  /** How long a batch may be collected, 0 to 300 seconds; whole seconds; none for a FIFO queue. @default none, and 1 second above 10 messages */
  readonly batchingWindow?: Duration;
  /** The most batches at a time, 2 to 1,000. @default 10 */
  readonly maximumConcurrency?: number;
}

/** A queue as it is asked for. */
export interface QueueReading {
  /** Names it in errors. */
  readonly what: string;
  readonly settings: ReadQueueSettings;
  readonly isFifo: boolean;
  readonly timeoutSeconds: number;
  /** When it is said that reading falls behind. */
  readonly age: Duration | undefined;
}

/** How a queue is read, checked and complete. */
export interface CheckedReading {
  readonly existing: IQueue | undefined;
  readonly isFifo: boolean;
  readonly retentionSeconds: number;
  readonly visibilitySeconds: number;
  readonly maxReceives: number;
  readonly batchSize: number;
  readonly windowSeconds: number;
  readonly maximumConcurrency: number;
  readonly ageSeconds: number;
}

/** @throws definition errors naming the limit and the value given */
export function checkReading({ what, settings, isFifo, timeoutSeconds, age }: QueueReading): CheckedReading {
  const { existing } = settings;
  const own = (["retention", "maxReceives"] as const).find((name) => settings[name] !== undefined);
  if (existing !== undefined && own !== undefined) {
    throw refuseSetting(
      `${what}.${own}`,
      "set for a queue that is there already",
      "It has settings of its own: leave these out.",
    );
  }
  if (existing !== undefined && existing.fifo !== isFifo) {
    throw refuseSetting(
      `${what}.existing`,
      existing.fifo ? "a FIFO queue" : "a standard queue",
      `The pipeline declares it ${isFifo ? "with" : "without"} fifo.`,
    );
  }
  const batchSize = wholeWithin(`${what}.batchSize`, settings.batchSize ?? 10, {
    least: 1,
    most: isFifo ? 10 : 10_000,
    unit: "messages",
    why: "Lambda's limit.",
  });
  const windowSeconds = secondsWithin(
    `${what}.batchingWindow`,
    settings.batchingWindow ?? { seconds: batchSize > 10 ? 1 : 0 },
    {
      least: batchSize > 10 ? 1 : 0,
      most: isFifo ? 0 : 300,
      why: isFifo ? "Lambda has none for FIFO queues." : "Lambda's limits: above 10 messages a batch is collected.",
    },
  );
  const visibilitySeconds = 6 * timeoutSeconds + windowSeconds;
  const known = existing === undefined ? undefined : knownOf(existing);
  if (known !== undefined) refuseHasty(`${what}.existing`, known, visibilitySeconds);
  const retentionSeconds =
    existing !== undefined
      ? (known?.retentionSeconds ?? SQS_RETENTION)
      : secondsWithin(`${what}.retention`, settings.retention ?? { days: 7 }, {
          least: 60,
          most: 14 * 86_400,
          why: "SQS's limits.",
        });
  const maxReceives = wholeWithin(`${what}.maxReceives`, known?.maxReceives ?? settings.maxReceives ?? 100, {
    least: LEAST_RECEIVES,
    most: 1_000,
    unit: "receives",
    why: "SQS's limit; with fewer a message is set aside before it is known whether it is what ends the process.",
  });
  if (existing === undefined || known !== undefined)
    refuseForgetful(what, { retentionSeconds, maxReceives, visibilitySeconds });
  return {
    existing,
    isFifo,
    batchSize,
    windowSeconds,
    retentionSeconds,
    visibilitySeconds,
    maxReceives,
    maximumConcurrency: wholeWithin(`${what}.maximumConcurrency`, settings.maximumConcurrency ?? 10, {
      least: 2,
      most: 1_000,
      unit: "batches at a time",
      why: "Lambda's limits.",
    }),
    ageSeconds: secondsWithin(`${what}: alarms.iteratorAge`, age ?? { seconds: Math.ceil(retentionSeconds / 4) }, {
      least: 60,
      most: existing !== undefined && known === undefined ? 14 * 86_400 : retentionSeconds - 1,
      why: "Messages older than the queue's retention are lost: later than that nothing is told.",
    }),
  };
}

/** What SQS keeps messages for where nothing else is said: 4 days. */
const SQS_RETENTION = 4 * 86_400;

/** Two receives more than it takes to find out, and to count three attempts of what ends the process. */
const LEAST_RECEIVES = 10;

/** What is known of a queue that is made in the same app. */
interface KnownQueue {
  readonly visibilitySeconds: number;
  readonly retentionSeconds: number;
  /** Undefined where nothing is ever set aside. */
  readonly maxReceives: number | undefined;
}

function knownOf(existing: IQueue): KnownQueue | undefined {
  const made = existing.node.defaultChild;
  if (!(made instanceof CfnQueue)) return undefined;
  const { visibilityTimeout = 30, messageRetentionPeriod = SQS_RETENTION } = made;
  const redrivePolicy = made.redrivePolicy as { readonly maxReceiveCount?: unknown } | undefined;
  const maxReceiveCount = redrivePolicy?.maxReceiveCount;
  return {
    visibilitySeconds: visibilityTimeout,
    retentionSeconds: messageRetentionPeriod,
    maxReceives:
      typeof maxReceiveCount === "number" ? maxReceiveCount : redrivePolicy === undefined ? undefined : LEAST_RECEIVES,
  };
}

/** Of a queue that is made in the same app it is known what it does with messages that fail. */
function refuseHasty(what: string, known: KnownQueue, visibilitySeconds: number): void {
  if (known.maxReceives === undefined) {
    throw refuseSetting(
      what,
      "a queue without a redrive policy",
      "A message that ends the process would come for ever.",
    );
  }
  if (known.visibilitySeconds >= visibilitySeconds) return;
  throw refuseSetting(
    what,
    `a queue whose messages are hidden for ${known.visibilitySeconds} seconds`,
    `It must be ${visibilitySeconds}, six times the function's time-out and the batching window: they would come again while they are worked off.`,
  );
}

/** What SQS deletes for its age nobody sets aside: a message that keeps failing must be set aside before. */
function refuseForgetful(
  what: string,
  {
    retentionSeconds,
    maxReceives,
    visibilitySeconds,
  }: Record<"retentionSeconds" | "maxReceives" | "visibilitySeconds", number>,
): void {
  const least = maxReceives * visibilitySeconds;
  if (retentionSeconds >= least) return;
  throw refuseSetting(
    `${what}.retention`,
    `${retentionSeconds} seconds`,
    `A message that fails comes ${maxReceives} times, every ${visibilitySeconds} seconds, before it is set aside: SQS would delete it before ${least} seconds. ` +
      "Keep messages for longer, or lower maxReceives or the function's time-out.",
  );
}

/** A queue that is read, as it is made. */
export interface MadeQueue {
  readonly queue: IQueue;
  readonly setAside: Queue | undefined;
  readonly keyArns: readonly string[];
  readonly exceptions: readonly Exception[];
  readonly grants: readonly Grant[];
  map(scope: Construct, id: string, target: Pick<IFunction, "functionArn">): void;
}

/** @param place without a key where a service sends that could not use it */
export function makeQueue(scope: Construct, name: string, checked: CheckedReading, place: Place): MadeQueue {
  const made = checked.existing === undefined ? newQueues(scope, name, checked, place) : undefined;
  const queue = made?.queue ?? checked.existing!;
  const { encryptionMasterKey: key } = queue;
  return {
    queue,
    setAside: made?.setAside,
    keyArns: key === undefined ? [] : [key.keyArn],
    exceptions: made === undefined ? [] : [{ construct: made.setAside, ...LAST }],
    grants: [
      {
        sid: "ReadQueue",
        actions: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
        resources: [queue.queueArn],
      },
    ],
    map: (within, id, { functionArn }) =>
      void new CfnEventSourceMapping(within, id, {
        eventSourceArn: queue.queueArn,
        functionName: functionArn,
        batchSize: checked.batchSize,
        ...(checked.windowSeconds > 0 && { maximumBatchingWindowInSeconds: checked.windowSeconds }),
        functionResponseTypes: ["ReportBatchItemFailures"],
        scalingConfig: { maximumConcurrency: checked.maximumConcurrency },
      }),
  };
}

const LAST = {
  rule: "AwsSolutions-SQS3",
  reason: "It is itself where failures end: nothing consumes it by itself, and an alarm watches its depth.",
};

/** What is set aside is kept as long as SQS keeps anything. */
const LONGEST = CdkDuration.days(14);

function newQueues(
  scope: Construct,
  name: string,
  { isFifo, retentionSeconds, visibilitySeconds, maxReceives }: CheckedReading,
  { encryptionKey, removalPolicy }: Place,
): { readonly queue: Queue; readonly setAside: Queue } {
  const common = {
    ...(isFifo && { fifo: true }),
    ...(encryptionKey === undefined
      ? { encryption: QueueEncryption.SQS_MANAGED }
      : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }),
    enforceSSL: true,
    removalPolicy,
  };
  const setAside = new Queue(scope, `${name}-SetAside`, { ...common, retentionPeriod: LONGEST });
  const queue = new Queue(scope, name, {
    ...common,
    retentionPeriod: CdkDuration.seconds(retentionSeconds),
    visibilityTimeout: CdkDuration.seconds(visibilitySeconds),
    deadLetterQueue: { queue: setAside, maxReceiveCount: maxReceives },
  });
  return { queue, setAside };
}

/** What is the same of every source that comes by a queue. */
export const withoutOrder = ({ maximumConcurrency }: CheckedReading) =>
  ({
    incarnation: 0,
    concurrency: { partitions: maximumConcurrency, mayGrow: false },
    iteratorAgeSeconds: undefined,
    isUnordered: true,
    suspectAfterMillis: 0, // messages say themselves how often they came
  }) as const;
