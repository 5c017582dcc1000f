import { KinesisClient, PutRecordsCommand } from "@aws-sdk/client-kinesis";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { expect, it } from "vitest";
import { eventually, functionResource, settled, temporaryStack, writeTemplate } from "../testing/temporary-stack.ts";

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const template = {
  Resources: {
    Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events", ShardCount: 1 } },
    Queue: { Type: "AWS::SQS::Queue" },
    Target: functionResource("target"),
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        ...{ EventSourceArn: arnOf("Stream"), FunctionName: { Ref: "Target" }, StartingPosition: "TRIM_HORIZON" },
        DestinationConfig: { OnFailure: { Destination: arnOf("Queue") } },
      },
    },
  },
  Outputs: { Queue: { Value: { Ref: "Queue" } } },
};
const fails = { target: { "index.cjs": "exports.handler = async () => { throw new Error('no'); };" } };
const counts = {
  target: {
    "index.cjs": `exports.handler = async ({ Records }) => console.log(JSON.stringify({ taken: Records.length,
      _aws: { CloudWatchMetrics: [{ Namespace: "T", Dimensions: [[]], Metrics: [{ Name: "taken" }] }] } }));`,
  },
};

it("expired records are given up and told of; what is put afterwards comes to the function", async () => {
  const { stack, directory, remove } = await temporaryStack(template, fails);
  const common = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
  const kinesis = new KinesisClient({
    ...common,
    endpoint: stack.endpoints.kinesis,
    requestHandler: new NodeHttpHandler(),
  });
  const sqs = new SQSClient({ ...common, endpoint: stack.endpoints.sqs });
  const put = (count: number) =>
    kinesis.send(
      new PutRecordsCommand({
        StreamName: "events",
        Records: Array.from({ length: count }, (_, i) => ({ PartitionKey: "k", Data: Buffer.from(String(i)) })),
      }),
    );
  try {
    await put(3);
    await eventually(() => stack.usage().lambda.errors > 1);
    expect((await stack.lag()).recordsBehind).toBe(3); // retried for ever, as the mapping's default is
    stack.expireRecords();
    const body = await eventually(async () => {
      const request = new ReceiveMessageCommand({ QueueUrl: stack.outputs["Queue"] });
      return (await sqs.send(request)).Messages?.[0]?.Body;
    });
    expect(JSON.parse(body)).toMatchObject({ KinesisBatchInfo: { shardId: "shardId-000000000000", batchSize: 3 } });
    await eventually(async () => (await stack.lag()).recordsBehind === 0);
    await stack.update([writeTemplate(`${directory}/mended`, template, counts)]);
    await new Promise((resolve) => setTimeout(resolve, 5)); // arrival is in milliseconds
    await put(2);
    await settled(stack);
    expect(stack.metrics().find(({ name }) => name === "taken")?.sum).toBe(2);
    stack.expireRecords(); // nothing is behind
    await settled(stack);
    expect((await sqs.send(new ReceiveMessageCommand({ QueueUrl: stack.outputs["Queue"] }))).Messages).toBeUndefined();
  } finally {
    kinesis.destroy();
    sqs.destroy();
    await remove();
  }
});
