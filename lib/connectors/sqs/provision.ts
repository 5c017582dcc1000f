import { Duration as CdkDuration } from "aws-cdk-lib";
import { DeduplicationScope, FifoThroughputLimit, Queue, QueueEncryption, type IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { Duration } from "../../time/duration.ts";
import { refuseSetting, secondsWithin } from "../limits.ts";
import type { CheckedSink, Place } from "../provisioned.ts";
import type { QueueDeclaration } from "./declare.ts";
import { MAX_MESSAGE_BYTES } from "./send.ts";

/** A queue that a pipeline sends rows to. */
export interface QueueSettings {
  /** The queue that is there already, of the kind that the pipeline declares: its settings are its own. @default one is made */
  readonly existing?: IQueue;
  /** How long messages wait for whoever reads them, 1 minute to 14 days; whole seconds. @default 14 days */
  readonly retention?: Duration;
  /** How long a received message is hidden from others, 0 seconds to 12 hours; whole seconds. @default 30 seconds */
  readonly visibilityTimeout?: Duration;
}

/** @param what names the queue in errors @throws definition errors naming the limit and the value given */
export function checkQueue(what: string, { name, isFifo }: QueueDeclaration, settings: QueueSettings): CheckedSink {
  const { existing } = settings;
  if (existing !== undefined && (settings.retention ?? settings.visibilityTimeout) !== undefined) {
    throw refuseSetting(
      `${what}.${settings.retention === undefined ? "visibilityTimeout" : "retention"}`,
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
  const retentionSeconds = secondsWithin(`${what}.retention`, settings.retention ?? { days: 14 }, {
    least: 60,
    most: 14 * 86_400,
    why: "SQS's limits.",
  });
  const visibilitySeconds = secondsWithin(`${what}.visibilityTimeout`, settings.visibilityTimeout ?? { seconds: 30 }, {
    least: 0,
    most: 12 * 3_600,
    why: "SQS's limits.",
  });
  return {
    name,
    provision(scope, place) {
      const made = existing ?? newQueue(scope, name, { isFifo, retentionSeconds, visibilitySeconds }, place);
      const { queueUrl, queueArn, encryptionMasterKey } = made;
      return {
        name,
        address: { queueUrl },
        grants: [{ sid: "SendRows", actions: ["sqs:SendMessage"], resources: [queueArn] }],
        keyArns: encryptionMasterKey === undefined ? [] : [encryptionMasterKey.keyArn],
        announced: [
          { name: "QueueUrl", value: queueUrl, description: "Queue" },
          { name: "QueueArn", value: queueArn, description: "Queue" },
        ],
        exceptions: existing === undefined ? [{ construct: made, ...NO_DEAD_LETTERS }] : [],
      };
    },
  };
}

const NO_DEAD_LETTERS = {
  rule: "AwsSolutions-SQS3",
  reason: "Whoever reads it decides how often a message is tried; bring a queue with a redrive policy for that.",
};

interface NewQueue {
  readonly isFifo: boolean;
  readonly retentionSeconds: number;
  readonly visibilitySeconds: number;
}

const newQueue = (
  scope: Construct,
  name: string,
  { isFifo, retentionSeconds, visibilitySeconds }: NewQueue,
  { encryptionKey, removalPolicy }: Place,
): Queue =>
  new Queue(scope, name, {
    ...(isFifo && {
      fifo: true,
      // Groups do not wait for each other, and each has its own five minutes.
      deduplicationScope: DeduplicationScope.MESSAGE_GROUP,
      fifoThroughputLimit: FifoThroughputLimit.PER_MESSAGE_GROUP_ID,
    }),
    ...(encryptionKey === undefined
      ? { encryption: QueueEncryption.SQS_MANAGED }
      : { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey }),
    enforceSSL: true,
    maxMessageSizeBytes: MAX_MESSAGE_BYTES,
    retentionPeriod: CdkDuration.seconds(retentionSeconds),
    visibilityTimeout: CdkDuration.seconds(visibilitySeconds),
    removalPolicy,
  });
