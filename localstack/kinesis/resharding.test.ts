import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  MergeShardsCommand,
  PutRecordCommand,
  SplitShardCommand,
  type GetRecordsCommandOutput,
  type Shard,
} from "@aws-sdk/client-kinesis";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";

const StreamName = "events";
const half = 2n ** 127n;
const last = 2n ** 128n - 1n;
const idOf = (shard: number): string => `shardId-${String(shard).padStart(12, "0")}`;

let temporary: TemporaryStack;
let kinesis: KinesisClient;
let shards: readonly Shard[];

/** Resolves with the shards when there are so many. */
const listed = (count: number) =>
  eventually(async () => {
    const { Shards = [] } = await kinesis.send(new ListShardsCommand({ StreamName }));
    return Shards.length === count ? Shards : undefined;
  });

beforeAll(async () => {
  temporary = await temporaryStack({
    Resources: { Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: StreamName, ShardCount: 1 } } },
  });
  kinesis = new KinesisClient({
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    endpoint: temporary.stack.endpoints.kinesis,
  });
  await listed(1);
  await kinesis.send(new PutRecordCommand({ StreamName, PartitionKey: "k", Data: Buffer.from("of the parent") }));
  await kinesis.send(new SplitShardCommand({ StreamName, ShardToSplit: idOf(0), NewStartingHashKey: String(half) }));
  await listed(3);
  await kinesis.send(new MergeShardsCommand({ StreamName, ShardToMerge: idOf(1), AdjacentShardToMerge: idOf(2) }));
  shards = await listed(4);
});
afterAll(async () => {
  kinesis.destroy();
  await temporary.remove();
});

describe("Kinesis: a stream that was split and merged", () => {
  it("lists every shard with its parents and its range, closed ones too", () => {
    expect(
      shards.map((shard) => [
        shard.ShardId,
        shard.ParentShardId,
        shard.AdjacentParentShardId,
        shard.HashKeyRange?.StartingHashKey,
        shard.HashKeyRange?.EndingHashKey,
      ]),
    ).toEqual([
      [idOf(0), undefined, undefined, "0", String(last)],
      [idOf(1), idOf(0), undefined, "0", String(half - 1n)],
      [idOf(2), idOf(0), undefined, String(half), String(last)],
      [idOf(3), idOf(1), idOf(2), "0", String(last)],
    ]);
  });

  it("only closed shards have a last sequence number", () => {
    const ends = shards.map((shard) => shard.SequenceNumberRange?.EndingSequenceNumber !== undefined);
    expect(ends).toEqual([true, true, true, false]);
  });

  it("a closed shard gives what it holds, and then no further iterator; an open one always gives one", async () => {
    const read = async (shard: number) => {
      const { ShardIterator } = await kinesis.send(
        new GetShardIteratorCommand({ StreamName, ShardId: idOf(shard), ShardIteratorType: "TRIM_HORIZON" }),
      );
      const bodies: string[] = [];
      let iterator = ShardIterator;
      for (let reads = 0; iterator !== undefined && reads < 3; reads++) {
        const output: GetRecordsCommandOutput = await kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
        bodies.push(...(output.Records ?? []).map(({ Data }) => Buffer.from(Data!).toString()));
        iterator = output.NextShardIterator;
      }
      return { bodies, hasEnded: iterator === undefined };
    };
    expect(await read(0)).toEqual({ bodies: ["of the parent"], hasEnded: true });
    expect(await read(1)).toEqual({ bodies: [], hasEnded: true });
    expect(await read(3)).toEqual({ bodies: [], hasEnded: false });
  });
});
