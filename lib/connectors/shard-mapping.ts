import { CfnEventSourceMapping, type IFunction } from "aws-cdk-lib/aws-lambda";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import type { CheckedMapping } from "./kinesis/stream-settings.ts";

/** What reads a stream of shards: Kinesis's or a DynamoDB table's. */
export interface ShardMapping {
  readonly sourceArn: string;
  readonly target: Pick<IFunction, "functionArn">;
  readonly onFailure: IQueue;
  readonly mapping: CheckedMapping;
  /** Epoch seconds: what arrived before is not read. @default as the mapping's settings say */
  readonly startAt?: number | undefined;
}

/** The one mapping of a task source, which never gives up (X6). */
export const mapShards = (
  scope: Construct,
  id: string,
  { sourceArn, target, onFailure, mapping, startAt }: ShardMapping,
): CfnEventSourceMapping =>
  new CfnEventSourceMapping(scope, id, {
    eventSourceArn: sourceArn,
    functionName: target.functionArn,
    ...(startAt === undefined
      ? { startingPosition: mapping.startingPosition }
      : { startingPosition: "AT_TIMESTAMP", startingPositionTimestamp: startAt }),
    batchSize: mapping.batchSize,
    maximumBatchingWindowInSeconds: mapping.batchingWindowSeconds,
    parallelizationFactor: 1,
    // Said aloud although they are Lambda's defaults: exactly-once rests on them.
    maximumRetryAttempts: -1,
    maximumRecordAgeInSeconds: -1,
    bisectBatchOnFunctionError: true,
    functionResponseTypes: ["ReportBatchItemFailures"],
    // With infinite retries only what the stream's retention takes away comes here: loss, which is alarmed.
    destinationConfig: { onFailure: { destination: onFailure.queueArn } },
  });
