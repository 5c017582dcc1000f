import { ListShardsCommand } from "@aws-sdk/client-kinesis";
import { PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { SendMessageBatchCommand } from "@aws-sdk/client-sqs";
import type { AwsClients } from "../../../lib/connectors/services.ts";
import { ItemTable } from "./item-table.ts";

/** The services of a function, in memory: a table, shards that are read to their tip, and sinks that take everything. */
export class FakeServices {
  table = new ItemTable();
  readonly shards: readonly string[];

  constructor(shards: readonly string[]) {
    this.shards = shards;
  }

  get clients(): AwsClients {
    const send = async (command: unknown) => this.#run(command);
    const other = { send };
    const dynamodb = { send: (command: never) => this.table.client.send(command) };
    return { of: (Client) => (Client.name === "DynamoDBClient" ? dynamodb : other) as never };
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
