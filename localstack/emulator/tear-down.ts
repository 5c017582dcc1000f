import { DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { ListTablesCommand } from "@aws-sdk/client-dynamodb";
import { ListDeliveryStreamsCommand } from "@aws-sdk/client-firehose";
import { ListStreamsCommand } from "@aws-sdk/client-kinesis";
import { ListBucketsCommand } from "@aws-sdk/client-s3";
import { ListQueuesCommand } from "@aws-sdk/client-sqs";
import type { Checks } from "./check.ts";
import type { EmulatedStack } from "./emulated-stack.ts";
import { emptyBucket } from "./objects.ts";

/** Destroys the stack, its buckets emptied, and looks that nothing of it is left. */
export async function tearDown(stack: EmulatedStack, destroy: () => Promise<void>, checks: Checks): Promise<void> {
  const { cloudformation, dynamodb, firehose, kinesis, s3, sqs } = stack.clients;
  for (const bucket of ["LakeBucket", "StateBucket"]) await emptyBucket(s3, stack.output(bucket));
  await destroy();
  const isGone = await cloudformation.send(new DescribeStacksCommand({ StackName: stack.name })).then(
    ({ Stacks = [] }) => Stacks.every(({ StackStatus }) => StackStatus === "DELETE_COMPLETE"),
    () => true,
  );
  const [tables, deliveryStreams, streams, buckets, queues] = await Promise.all([
    dynamodb.send(new ListTablesCommand({})),
    firehose.send(new ListDeliveryStreamsCommand({})),
    kinesis.send(new ListStreamsCommand({})),
    s3.send(new ListBucketsCommand({})),
    sqs.send(new ListQueuesCommand({})),
  ]);
  const left = [
    ...(tables.TableNames ?? []),
    ...(deliveryStreams.DeliveryStreamNames ?? []),
    ...(streams.StreamNames ?? []),
    ...(buckets.Buckets ?? []).map(({ Name }) => Name ?? ""),
    ...(queues.QueueUrls ?? []),
  ].filter((name) => name.includes(stack.name));
  checks.that("the stack is destroyed, and nothing of it is left", isGone && left.length === 0, left.join(", "));
}
