import { systemicError } from "../../errors.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import { compareSequences } from "../../state/position.ts";
import type { PartitionRecords } from "../source-connector.ts";

/** A record, and the shard that it came on. */
export type ShardRecord = IncomingRecord & { readonly partition: string };

/** What Kinesis calls shards (AWS: Kinesis API reference, Shard), as a pattern. */
export const SHARD_ID = String.raw`[a-zA-Z0-9_.-]{1,128}`;

/** The largest arrival time that is one: what a Date can hold, in seconds. */
export const MAX_ARRIVAL = 8.64e12;

/** Records of an event by shard. @throws systemic error `kinesis/order` */
export function inShards(records: readonly ShardRecord[]): readonly PartitionRecords[] {
  const shards = new Map<string, ShardRecord[]>();
  let shard: string | undefined = undefined;
  let before: ShardRecord[] = [];
  records.forEach((record, index) => {
    if (record.partition !== shard) {
      shard = record.partition;
      before = shards.get(shard) ?? [];
      shards.set(shard, before);
    }
    const last = before.at(-1);
    if (last !== undefined && compareSequences(last.position.sequence, record.position.sequence) > 0) {
      throw systemicError({
        code: "kinesis/order",
        message: `Record ${index} of the event, ${record.position.sequence} of ${shard}, comes after ${last.position.sequence}.`,
        advice: "A shard's records come in their order: the first of these would be taken for folded.",
      });
    }
    before.push(record);
  });
  return [...shards].map(([partition, all]) => ({ partition, records: all }));
}
