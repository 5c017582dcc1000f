import { Duration, type RemovalPolicy } from "aws-cdk-lib";
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

export function sharedQueues(scope: Construct, removalPolicy: RemovalPolicy): SharedQueues {
  const last = (id: string) => {
    const queue = secureQueue(scope, id, { removalPolicy });
    acknowledge(
      queue,
      "AwsSolutions-SQS3",
      "It is itself where failures end: nothing consumes it by itself, and an alarm watches its depth.",
    );
    return queue;
  };
  return { deadLetters: last("DeadLetters"), onFailure: last("OnFailure"), lostTicks: last("LostTicks") };
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
