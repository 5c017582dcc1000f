import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import type { IKey } from "aws-cdk-lib/aws-kms";
import { Queue, QueueEncryption, type QueueProps } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

/** The queues that a pipeline's stages share. */
export interface SharedQueues {
  /** Records, timers, panes and outputs that cannot be processed, with the reason (X7). */
  readonly deadLetters: Queue;
  /** What a mapping gave up: lost records (X6). */
  readonly onFailure: Queue;
  /** Ticks that could not be run. */
  readonly lostTicks: Queue;
}

/**
 * @param encryptionKey for the queues that may hold payloads; ticks hold none, and EventBridge, which sends sweeps, could
 *   not use a key whose policy is not ours
 */
export function sharedQueues(
  scope: Construct,
  removalPolicy: RemovalPolicy,
  encryptionKey: IKey | undefined,
): SharedQueues {
  const encrypted = encryptionKey && { encryption: QueueEncryption.KMS, encryptionMasterKey: encryptionKey };
  const last = (id: string, props: QueueProps = {}) => {
    const queue = secureQueue(scope, id, { removalPolicy, ...props });
    acknowledge(
      queue,
      "AwsSolutions-SQS3",
      "It is itself where failures end: nothing consumes it by itself, and an alarm watches its depth.",
    );
    return queue;
  };
  return {
    deadLetters: last("DeadLetters", encrypted),
    onFailure: last("OnFailure", encrypted),
    lostTicks: last("LostTicks"),
  };
}

/**
 * The queue by which a task wakes itself when no records come.
 *
 * A received tick stays hidden for six times the function's time-out, as AWS advises for mappings: retries
 * and throttles of one receipt end before the next begins. Throttles count as receipts too, so there are many
 * before a tick is set aside: hours, not minutes.
 */
export function tickQueue(scope: Construct, id: string, timeoutSeconds: number, lostTicks: Queue): Queue {
  return secureQueue(scope, id, {
    visibilityTimeout: Duration.seconds(6 * timeoutSeconds),
    deadLetterQueue: { queue: lostTicks, maxReceiveCount: 100 },
  });
}

const secureQueue = (scope: Construct, id: string, props: QueueProps): Queue =>
  new Queue(scope, id, {
    encryption: QueueEncryption.SQS_MANAGED,
    enforceSSL: true,
    retentionPeriod: Duration.days(14),
    ...props,
  });
