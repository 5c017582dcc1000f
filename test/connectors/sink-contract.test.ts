import { lake, queue } from "millrace";
import { afterAll, beforeAll } from "vitest";
import { SQSClient } from "@aws-sdk/client-sqs";
import type { QueueDeclaration } from "../../lib/connectors/sqs/declare.ts";
import { DeadLetterWriter } from "../../lib/connectors/sqs/dead-letters.ts";
import { TickWriter } from "../../lib/connectors/sqs/ticks.ts";
import { MemoryObjects } from "millrace/testing";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";
import { faultyClients, listed, named, type Wire } from "./faulty-clients.ts";
import { sinkContract, type SinkUnderTest } from "./sink-contract.ts";
import { came, declared, filesOf, messagesOf, SHAPE } from "./systems.ts";

let temporary: TemporaryStack;
beforeAll(async () => {
  temporary = await temporaryStack({
    Resources: {
      Standard: { Type: "AWS::SQS::Queue" },
      Fifo: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
      Letters: { Type: "AWS::SQS::Queue" },
      Ticks: { Type: "AWS::SQS::Queue" },
      Lake: { Type: "AWS::S3::Bucket", Properties: { BucketName: "lake" } },
      Delivery: {
        Type: "AWS::KinesisFirehose::DeliveryStream",
        Properties: {
          DeliveryStreamName: "lake",
          ExtendedS3DestinationConfiguration: { BucketARN: "arn:aws:s3:::lake", Prefix: "data/" },
        },
      },
    },
    Outputs: Object.fromEntries(
      ["Standard", "Fifo", "Letters", "Ticks"].map((name) => [name, { Value: { Ref: name } }]),
    ),
  });
}, 60_000);
afterAll(() => temporary?.remove());

/** Opened when the stack is there, once. */
const once = (open: () => SinkUnderTest) => {
  let opened: SinkUnderTest | undefined;
  return () => (opened ??= open());
};

const output = (name: string) => temporary.stack.outputs[name]!;

const sqs = (idsOf: Wire["idsOf"]): Wire => ({
  endpoint: temporary.stack.endpoints.sqs,
  entries: "Entries",
  idsOf,
  merged: named({ SenderFault: false, Code: "InternalError" }),
});

interface SqsEntry {
  readonly MessageBody: string;
  readonly MessageAttributes: Readonly<Record<string, { readonly StringValue: string }>>;
}

const byAttribute = ({ MessageAttributes }: SqsEntry) => [MessageAttributes["output_id"]!.StringValue];
const byBody = ({ MessageBody }: SqsEntry) => [(JSON.parse(MessageBody) as { id: string }).id];

const underTest = (name: string, sink: QueueDeclaration): SinkUnderTest => ({
  ...declared(sink, { queueUrl: output(name) }, sqs(byAttribute)),
  received: async () =>
    (await messagesOf(temporary.stack, output(name))).map(({ body, attributes }) =>
      came(attributes["output_id"], body),
    ),
  keepsOrder: sink.isFifo,
  dropsRepeats: sink.isFifo,
  // A character that no message may have, where a head says the group.
  refusedBody: `${sink.isFifo ? '{"group":"lane 3"}\n' : ""}{"n":1,"lane":"lane 3","pad":"\u0001"}`,
});

sinkContract(
  "queue",
  once(() => underTest("Standard", queue("alerts", SHAPE))),
);
sinkContract(
  "queue with fifo",
  once(() => underTest("Fifo", queue("alerts", SHAPE, { fifo: { groupId: (row) => row.lane } }))),
);
sinkContract(
  "dead letters",
  once(() => ({
    bodyOf: (n, lane) => JSON.stringify({ kind: "record", n, lane }),
    writer: (weather) =>
      new DeadLetterWriter({
        client: faultyClients(sqs(byBody as never), weather).of(SQSClient),
        queueUrl: output("Letters"),
        objects: new MemoryObjects(),
        bucket: "state",
        wait: () => Promise.resolve(),
      }),
    received: async () =>
      (await messagesOf(temporary.stack, output("Letters"))).map(({ body }) =>
        came((JSON.parse(body) as { id: string }).id, body),
      ),
    keepsOrder: false,
    dropsRepeats: false,
  })),
);
sinkContract(
  "ticks",
  once(() => ({
    bodyOf: (_n, lane, id) => JSON.stringify({ type: "tick", task: "t", id, lane }),
    writer: (weather) =>
      new TickWriter({
        client: faultyClients(sqs(byBody as never), weather).of(SQSClient),
        queueUrl: output("Ticks"),
        now: () => 0,
        wait: () => Promise.resolve(),
      }),
    received: async () =>
      (await messagesOf(temporary.stack, output("Ticks"))).map(({ body }) =>
        came((JSON.parse(body) as { id: string }).id, body),
      ),
    keepsOrder: false,
    dropsRepeats: false,
  })),
);
sinkContract(
  "lake",
  once(() => ({
    ...declared(
      lake("rows", SHAPE),
      { deliveryStream: "lake" },
      {
        endpoint: temporary.stack.endpoints.firehose,
        entries: "Records",
        idsOf: ({ Data }: { readonly Data: Uint8Array }) =>
          Buffer.from(Data)
            .toString()
            .trimEnd()
            .split("\n")
            .map((line) => (JSON.parse(line) as { output_id: string }).output_id),
        merged: listed("RequestResponses", { ErrorCode: "ServiceUnavailableException" }, "FailedPutCount"),
      },
    ),
    received: filesOf(temporary.stack, "lake"),
    keepsOrder: false,
    dropsRepeats: false,
  })),
);
