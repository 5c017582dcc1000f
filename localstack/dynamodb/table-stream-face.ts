import { LocalStackError } from "../errors.ts";
import { jsonAnswer, type GatewayAnswer } from "../gateway/exchange.ts";
import { isRecord } from "../template/template-file.ts";
import type { TableShard } from "./table-shard.ts";
import type { TableStream, TableStreams } from "./table-streams.ts";

const contentType = "application/x-amz-json-1.0";
const namespace = "com.amazonaws.dynamodb.v20120810";

/** AWS: GetRecords and DescribeStream, API reference. */
const mostRecords = 1_000;
const mostShards = 100;

/** Answers what is asked of tables' streams: DescribeStream, GetShardIterator and GetRecords. */
export function answerTableStream(streams: TableStreams, operation: string, body: Buffer): GatewayAnswer {
  try {
    const input = JSON.parse(body.toString("utf8")) as Record<string, unknown>;
    return jsonAnswer(200, outputOf(streams, operation, input), contentType);
  } catch (error) {
    if (!(error instanceof LocalStackError)) throw error;
    return jsonAnswer(400, { __type: `${namespace}#${error.code}`, message: error.message }, contentType);
  }
}

function outputOf(streams: TableStreams, operation: string, input: Record<string, unknown>): unknown {
  if (operation === "GetRecords") return recordsOf(streams, input);
  const stream = streams.of(String(input["StreamArn"]));
  if (operation === "DescribeStream") return { StreamDescription: descriptionOf(stream, input) };
  if (operation === "GetShardIterator") return { ShardIterator: iteratorOf(stream, input) };
  throw new LocalStackError("UnknownOperationException", `${operation} of a table's stream is not run`);
}

function descriptionOf(stream: TableStream, { Limit, ExclusiveStartShardId: after }: Record<string, unknown>) {
  const from = after === undefined ? 0 : stream.shards.findIndex(({ id }) => id === after) + 1;
  const page = stream.shards.slice(from, from + Math.min(Number(Limit ?? mostShards), mostShards));
  const isWhole = from + page.length >= stream.shards.length;
  return {
    StreamArn: stream.arn,
    StreamLabel: stream.arn.split("/stream/")[1],
    StreamStatus: "ENABLED",
    StreamViewType: stream.viewType,
    TableName: stream.table,
    KeySchema: stream.keys.map((AttributeName, i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
    Shards: page.map(({ id, parent, start, end }) => ({
      ShardId: id,
      ...(parent !== undefined && { ParentShardId: parent }),
      SequenceNumberRange: {
        StartingSequenceNumber: String(start),
        ...(end !== undefined && { EndingSequenceNumber: String(end) }),
      },
    })),
    ...(isWhole ? {} : { LastEvaluatedShardId: page.at(-1)!.id }),
  };
}

function iteratorOf(stream: TableStream, input: Record<string, unknown>): string {
  const shard = shardOf(stream, String(input["ShardId"]));
  const index = indexOf(shard, input);
  return tokenOf({ arn: stream.arn, shard: shard.id, index });
}

function indexOf(shard: TableShard, { ShardIteratorType: type, SequenceNumber }: Record<string, unknown>): number {
  if (type === "TRIM_HORIZON") return 0;
  if (type === "LATEST") return shard.records.length;
  if (typeof SequenceNumber !== "string" || !/^\d{1,40}$/.test(SequenceNumber)) {
    throw new LocalStackError("ValidationException", "Invalid SequenceNumber");
  }
  const sequence = BigInt(SequenceNumber);
  if (sequence < shard.start || (shard.end !== undefined && sequence > shard.end)) {
    throw new LocalStackError("ValidationException", "The SequenceNumber is not within the shard's range");
  }
  const index = shard.records.findIndex(({ dynamodb }) => {
    const own = BigInt(dynamodb.SequenceNumber);
    return type === "AT_SEQUENCE_NUMBER" ? own >= sequence : own > sequence;
  });
  return index < 0 ? shard.records.length : index;
}

function recordsOf(streams: TableStreams, { ShardIterator, Limit }: Record<string, unknown>): unknown {
  const { arn, shard: id, index } = placeOf(ShardIterator);
  const shard = shardOf(streams.of(arn), id);
  const Records = shard.records.slice(index, index + Math.min(Number(Limit ?? mostRecords), mostRecords));
  const next = index + Records.length;
  const hasEnded = shard.end !== undefined && next >= shard.records.length;
  return { Records, ...(hasEnded ? {} : { NextShardIterator: tokenOf({ arn, shard: id, index: next }) }) };
}

function shardOf(stream: TableStream, id: string): TableShard {
  const shard = stream.shards.find((one) => one.id === id);
  if (shard !== undefined) return shard;
  throw new LocalStackError("ResourceNotFoundException", `Requested resource not found: Shard: ${id}`);
}

/** A place in a shard, as an iterator holds it. */
interface Place {
  readonly arn: string;
  readonly shard: string;
  readonly index: number;
}

const tokenOf = (place: Place): string => Buffer.from(JSON.stringify(place)).toString("base64");

function placeOf(token: unknown): Place {
  try {
    const place: unknown = JSON.parse(Buffer.from(String(token), "base64").toString("utf8"));
    if (isRecord(place) && typeof place["index"] === "number") return place as unknown as Place;
  } catch {
    // No iterator of ours.
  }
  throw new LocalStackError("ValidationException", "Invalid ShardIterator");
}
