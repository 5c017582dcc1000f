import type { Shard as TableShard } from "@aws-sdk/client-dynamodb-streams";
import type { Shard as ListedShard } from "@aws-sdk/client-kinesis";
import { literal, type Database } from "./database.ts";

/** A shard of the stream. */
export interface Shard {
  /** Shards made later have higher ids, as texts too. */
  readonly id: string;
  /** What it replaced: one that was split, or two that were merged. */
  readonly parents: readonly string[];
  /** The hash keys of its records, both ends included. */
  readonly from: bigint;
  readonly to: bigint;
  /** Whether it takes records: it was neither split nor merged. */
  readonly isOpen: boolean;
}

export function shardOf(listed: ListedShard): Shard {
  const { ShardId, ParentShardId, AdjacentParentShardId, HashKeyRange, SequenceNumberRange } = listed;
  return {
    id: ShardId!,
    parents: [ParentShardId, AdjacentParentShardId].filter((id) => id !== undefined),
    from: BigInt(HashKeyRange!.StartingHashKey!),
    to: BigInt(HashKeyRange!.EndingHashKey!),
    isOpen: SequenceNumberRange?.EndingSequenceNumber === undefined,
  };
}

/** A shard of a table's stream, which tells no range: each has all keys, as far as is known. */
export function tableShardOf({ ShardId, ParentShardId, SequenceNumberRange }: TableShard): Shard {
  return {
    id: ShardId!,
    parents: ParentShardId === undefined ? [] : [ParentShardId],
    from: 0n,
    to: 2n ** 128n - 1n,
    isOpen: SequenceNumberRange?.EndingSequenceNumber === undefined,
  };
}

/**
 * Makes the table `lineage (partition_key, shard, ancestor)`: the shards that a key's records went to before this one.
 * At any time one shard takes a key, so those before it are all that cover its hash and were made earlier.
 *
 * @param eventsSql gives `partition_key`
 */
export async function createLineage(database: Database, shards: readonly Shard[], eventsSql: string): Promise<void> {
  const rows = shards.map(({ id, from, to }) => `(${[id, digits(from), digits(to)].map(literal).join()})`);
  await database.run(`
    CREATE OR REPLACE TEMP TABLE lineage AS
    WITH
      made AS (SELECT * FROM (VALUES ${rows.join()}) AS t (shard, first_hash, last_hash)),
      covering AS (
        SELECT partition_key, shard
        FROM (SELECT DISTINCT partition_key FROM (${eventsSql})) JOIN made
        ON md5(partition_key) BETWEEN first_hash AND last_hash
      )
    SELECT partition_key, later.shard, earlier.shard AS ancestor
    FROM covering AS later JOIN covering AS earlier USING (partition_key)
    WHERE earlier.shard < later.shard`);
}

/** As MD5 is written: 32 hexadecimal digits, which compare as texts do. */
const digits = (hash: bigint): string => hash.toString(16).padStart(32, "0");
