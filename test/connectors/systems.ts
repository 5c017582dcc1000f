import { DynamoDBClient, ScanCommand, type ScanCommandInput } from "@aws-sdk/client-dynamodb";
import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient, ListShardsCommand } from "@aws-sdk/client-kinesis";
import { DeleteMessageBatchCommand, ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { gunzipSync } from "node:zlib";
import { readFile } from "node:fs/promises";
import { bigint, text } from "millrace";
import type { LocalStack } from "millrace/local";
import { sinkWriter } from "../../lib/connectors/sink-connectors.ts";
import { ID } from "../../lib/connectors/view/version.ts";
import { OUTPUT_ID } from "../../lib/connectors/row.ts";
import type { SinkDeclaration } from "../../lib/pipeline/sink.ts";
import type { Address } from "../../lib/plan/bindings.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { faultyClients, type Wire } from "./faulty-clients.ts";
import type { SinkUnderTest } from "./sink-contract.ts";

/** The rows of sinks under test. */
export const SHAPE = { n: bigint, lane: text, pad: text };

const connection = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
const noWait = () => Promise.resolve();

/** What is common to sinks that are written to by a client of AWS's. */
export const declared = (
  sink: SinkDeclaration,
  address: Address,
  wire: Wire,
): Pick<SinkUnderTest, "sink" | "writer" | "bodyOf"> => ({
  sink,
  bodyOf: (n, lane) => (sink.encode as (row: object) => string)({ n, lane, pad: "" }),
  writer: (weather) => {
    const writer = sinkWriter(sink, address, { aws: faultyClients(wire, weather), now: Date.now, wait: noWait });
    return { deliver: async (deliveries: readonly Delivery[]) => (await writer).deliver(deliveries) };
  },
});

export interface QueuedMessage {
  readonly body: string;
  readonly attributes: Readonly<Record<string, string>>;
}

/** Takes all messages out of a queue. */
export async function messagesOf(stack: LocalStack, QueueUrl: string): Promise<readonly QueuedMessage[]> {
  const client = new SQSClient({ ...connection, endpoint: stack.endpoints.sqs });
  const all: QueuedMessage[] = [];
  try {
    for (;;) {
      const { Messages = [] } = await client.send(
        new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, MessageAttributeNames: ["All"] }),
      );
      if (Messages.length === 0) return all;
      for (const { Body, MessageAttributes = {} } of Messages) {
        const attributes = Object.entries(MessageAttributes).map(([name, value]) => [name, value.StringValue!]);
        all.push({ body: Body!, attributes: Object.fromEntries(attributes) as Record<string, string> });
      }
      await client.send(
        new DeleteMessageBatchCommand({
          QueueUrl,
          Entries: Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle })),
        }),
      );
    }
  } finally {
    client.destroy();
  }
}

/** A row's text as what came. */
export const came = (id: string | undefined, row: string) => ({
  id: id!,
  lane: (JSON.parse(row) as { readonly lane: string }).lane,
});

/** What a stream has taken since it was read last, shard by shard. */
export function recordsOf(
  stack: LocalStack,
  StreamName: string,
): () => Promise<readonly { readonly id: string; readonly lane: string; readonly row: string }[]> {
  const client = new KinesisClient({
    ...connection,
    endpoint: stack.endpoints.kinesis,
    requestHandler: new NodeHttpHandler(),
  });
  const next = new Map<string, string>();
  return async () => {
    const { Shards = [] } = await client.send(new ListShardsCommand({ StreamName }));
    const rows: { id: string; lane: string; row: string }[] = [];
    for (const { ShardId } of Shards) {
      const begin = { StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" as const };
      let iterator = next.get(ShardId!) ?? (await client.send(new GetShardIteratorCommand(begin))).ShardIterator!;
      for (;;) {
        const { Records = [], NextShardIterator } = await client.send(
          new GetRecordsCommand({ ShardIterator: iterator }),
        );
        iterator = NextShardIterator!;
        for (const { Data } of Records) {
          const row = Buffer.from(Data!).toString();
          rows.push({ ...came((JSON.parse(row) as Record<string, string>)[OUTPUT_ID], row), row });
        }
        if (Records.length === 0) break;
      }
      next.set(ShardId!, iterator);
    }
    return rows;
  };
}

/** Items of a table, less those that were read before. */
export function itemsOf(stack: LocalStack, TableName: string): SinkUnderTest["received"] {
  const client = new DynamoDBClient({ ...connection, endpoint: stack.endpoints.dynamodb });
  const read = new Set<string>();
  return async () => {
    const found: { id: string; lane: string }[] = [];
    let from: Pick<ScanCommandInput, "ExclusiveStartKey"> = {};
    for (;;) {
      const { Items = [], LastEvaluatedKey } = await client.send(
        new ScanCommand({ TableName, ConsistentRead: true, ...from }),
      );
      for (const { lane, [ID]: id } of Items) if (!read.has(id!.S!)) found.push({ id: id!.S!, lane: lane!.S! });
      if (LastEvaluatedKey === undefined) break;
      from = { ExclusiveStartKey: LastEvaluatedKey };
    }
    for (const { id } of found) read.add(id);
    return found;
  };
}

/** Rows in the files of a delivery stream, less those that were read before. */
export function filesOf(stack: LocalStack, bucket: string): SinkUnderTest["received"] {
  const read = new Set<string>();
  return async () => {
    await stack.flushDeliveryStreams();
    const files = (await stack.objectFiles(bucket, "")).filter((file) => !read.has(file));
    const rows: { id: string; lane: string }[] = [];
    for (const file of files) {
      read.add(file);
      const bytes = await readFile(file);
      const lines = (bytes[0] === 0x1f ? gunzipSync(bytes) : bytes).toString().trimEnd().split("\n");
      for (const line of lines) rows.push(came((JSON.parse(line) as Record<string, string>)[OUTPUT_ID], line));
    }
    return rows;
  };
}
