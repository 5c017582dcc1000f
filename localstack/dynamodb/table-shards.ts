import type { ShardSource } from "../mappings/shard-source.ts";
import type { TableRecord } from "./table-shard.ts";
import type { TableStreams } from "./table-streams.ts";

/** A read takes at most this many records. */
const mostRecords = 1_000;

/** A table's stream as a mapping reads it; its events do not say which shard they are of. */
export function tableShards(streams: TableStreams, arn: string): ShardSource {
  return {
    list: async () =>
      streams
        .of(arn)
        .shards.map(({ id, parent }) => ({ ShardId: id, ...(parent !== undefined && { ParentShardId: parent }) })),
    reader: (shardId) => {
      const shard = streams.of(arn).shards.find(({ id }) => id === shardId)!;
      let next = 0;
      return {
        read: async () => {
          const read = shard.records.slice(next, next + mostRecords);
          next += read.length;
          const records = read.map((record) => ({
            SequenceNumber: record.dynamodb.SequenceNumber,
            PartitionKey: "",
            Data: JSON.stringify(eventRecord(record, arn)),
            ApproximateArrivalTimestamp: record.dynamodb.ApproximateCreationDateTime,
          }));
          return { records, ended: shard.end !== undefined && next >= shard.records.length };
        },
      };
    },
    writer: () => (record) => ({
      sequenceNumber: record.SequenceNumber,
      arrivalMillis: record.ApproximateArrivalTimestamp * 1_000,
      json: record.Data,
      bytes: Buffer.byteLength(record.Data),
    }),
  };
}

/** A record in the shape of a Lambda event (`DynamoDBRecord` of @types/aws-lambda). */
const eventRecord = ({ userIdentity, ...record }: TableRecord, arn: string) => ({
  ...record,
  eventSourceARN: arn,
  ...(userIdentity && { userIdentity: { type: userIdentity.Type, principalId: userIdentity.PrincipalId } }),
});
