import { ListShardsCommand } from "@aws-sdk/client-kinesis";
import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import type { Clients } from "../../../lib/lambda/clients.ts";
import { ItemTable } from "./item-table.ts";

/** The services of a function, in memory: a table, shards that are read to their tip, and sinks that take everything. */
export class FakeServices {
  table = new ItemTable();
  readonly shards: readonly string[];

  constructor(shards: readonly string[]) {
    this.shards = shards;
  }

  get clients(): Clients {
    const send = async (command: unknown) => this.#run(command);
    const other = { send } as never;
    const dynamodb = { send: (command: never) => this.table.client.send(command) } as never;
    return { dynamodb, s3: other, sqs: other, firehose: other, kinesis: other };
  }

  #run(command: unknown): unknown {
    if (command instanceof ListShardsCommand) {
      const HashKeyRange = { StartingHashKey: "0", EndingHashKey: String(2n ** 128n - 1n) };
      return { Shards: this.shards.map((ShardId) => ({ ShardId, HashKeyRange })) };
    }
    if (command instanceof PutRecordBatchCommand) return { FailedPutCount: 0, RequestResponses: [] };
    if (command instanceof SendMessageBatchCommand) return { Successful: [] };
    // Of a shard: an iterator, and that nothing comes after it.
    return { ShardIterator: "i", Records: [], NextShardIterator: undefined };
  }
}
