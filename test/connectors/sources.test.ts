import { dynamoStreamSource } from "../../lib/connectors/dynamodb-stream/source.ts";
import { kafkaSource } from "../../lib/connectors/kafka/source.ts";
import { kinesisSource } from "../../lib/connectors/kinesis/source.ts";
import { sourceContract, type ProducedRecord } from "./source-contract.ts";

const base64 = (text: string) => Buffer.from(text).toString("base64");

const streamOf = (name: string) => ({
  stream: name,
  streamArn: `arn:aws:kinesis:us-east-1:000000000000:stream/${name}`,
});

sourceContract("Kinesis", {
  connector: kinesisSource,
  address: streamOf("orders"),
  foreignAddresses: [streamOf("others")],
  partitions: ["shardId-000000000000", "shardId-000000000001"],
  eventOf: ({ streamArn }, records) => ({
    Records: records.map(([shard, { sequence, key, text, arrival }]) => ({
      eventID: `${shard}:${sequence}`,
      eventName: "aws:kinesis:record",
      eventVersion: "1.0",
      eventSource: "aws:kinesis",
      awsRegion: "us-east-1",
      eventSourceARN: streamArn,
      invokeIdentityArn: "arn:aws:iam::000000000000:role/function",
      kinesis: {
        kinesisSchemaVersion: "1.0",
        partitionKey: key,
        sequenceNumber: sequence,
        data: base64(text),
        approximateArrivalTimestamp: arrival / 1_000,
      },
    })),
  }),
  itemOf: (_shard, sequence) => sequence,
});

const clusterArn = (name: string) =>
  `arn:aws:kafka:us-east-1:000000000000:cluster/${name}/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2`;

const kafkaRecords = (topic: string, records: readonly (readonly [string, ProducedRecord])[]) => {
  const byPartition: Record<string, object[]> = {};
  for (const [name, { sequence, key, text, arrival }] of records) {
    const partition = Number(name.split("-").at(-1));
    (byPartition[`${topic}-${partition}`] ??= []).push({
      topic,
      partition,
      offset: Number(sequence),
      timestamp: arrival,
      timestampType: "CREATE_TIME",
      key: base64(key),
      value: base64(text),
      headers: [{ trace: [0, 127, 255] }],
    });
  }
  return byPartition;
};

sourceContract("Kafka of MSK", {
  connector: kafkaSource,
  address: { topic: "orders", auth: "iam", clusterArn: clusterArn("one") },
  foreignAddresses: [
    { topic: "others", auth: "iam", clusterArn: clusterArn("one") },
    { topic: "orders", auth: "iam", clusterArn: clusterArn("two") },
  ],
  partitions: ["orders-0", "orders-11"],
  eventOf: (address, records) => ({
    eventSource: "aws:kafka",
    eventSourceArn: address["clusterArn"],
    bootstrapServers: "b-1.one.kafka.us-east-1.amazonaws.com:9098",
    records: kafkaRecords(address["topic"]!, records),
  }),
  itemOf: (partition, sequence) => ({ partition, offset: Number(sequence) }),
  hasZero: true,
});

sourceContract("Kafka of one's own", {
  connector: kafkaSource,
  address: { topic: "orders", auth: "none", bootstrapServers: "kafka:9092" },
  foreignAddresses: [{ topic: "others", auth: "none", bootstrapServers: "kafka:9092" }],
  partitions: ["orders-0", "orders-11"],
  eventOf: (address, records) => ({
    eventSource: "SelfManagedKafka",
    bootstrapServers: address["bootstrapServers"],
    records: kafkaRecords(address["topic"]!, records),
  }),
  itemOf: (partition, sequence) => ({ partition, offset: Number(sequence) }),
  hasZero: true,
});

const tableStreamArn = (table: string) =>
  `arn:aws:dynamodb:us-east-1:000000000000:table/${table}/stream/2001-01-01T00:00:00.000`;

/** A change as the record's content: an item whose one column is the text. */
const changeOf = ({ sequence, key, text, arrival }: ProducedRecord) => ({
  ApproximateCreationDateTime: arrival / 1_000,
  Keys: { id: { S: key } },
  NewImage: { id: { S: key }, text: { S: text } },
  SequenceNumber: sequence,
  SizeBytes: 26,
  StreamViewType: "NEW_IMAGE",
});

sourceContract("DynamoDB streams", {
  connector: dynamoStreamSource(),
  address: { streamArn: tableStreamArn("orders"), images: "new" },
  foreignAddresses: [{ streamArn: tableStreamArn("others"), images: "new" }],
  partitions: ["shardId-1", "shardId-2"],
  eventOf: ({ streamArn }, records) => ({
    Records: records.map(([, record]) => ({
      eventID: `id of ${record.sequence}`,
      eventName: "INSERT",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: "us-east-1",
      eventSourceARN: streamArn,
      dynamodb: changeOf(record),
    })),
  }),
  itemOf: (_shard, sequence) => sequence,
  isOfOnePartition: true,
  payloadOf: (record) => JSON.stringify({ eventName: "INSERT", dynamodb: changeOf(record) }),
  partitionKeyOf: ({ key }) => JSON.stringify({ id: { S: key } }),
});
