import { DynamoDBStreamsClient } from "@aws-sdk/client-dynamodb-streams";
import type { Address } from "../../plan/bindings.ts";
import { fieldOf, type Services } from "../services.ts";
import type { SourceConnector } from "../source-connector.ts";
import { batchOf, isDynamoStreamEvent, NEW_AND_OLD } from "./event.ts";
import { DynamoStreamShards } from "./shards.ts";

const WHAT = "The source's table stream";

/** The stream of a DynamoDB table. Its address has `streamArn`, and `images`. */
export function dynamoStreamSource(): SourceConnector {
  let shards: DynamoStreamShards | undefined;
  // One for all batches: it remembers where they come from.
  const shardsOf = (address: Address, { aws, wait }: Services): DynamoStreamShards =>
    (shards ??= new DynamoStreamShards({
      client: aws.of(DynamoDBStreamsClient),
      streamArn: fieldOf(address, "streamArn", WHAT),
      wait,
    }));
  return {
    isEvent: isDynamoStreamEvent,
    recordsOf: (event, address) => {
      const { firstId, records } = batchOf(event as { readonly Records: readonly unknown[] }, {
        streamArn: fieldOf(address, "streamArn", WHAT),
        hasOldImages: fieldOf(address, "images", WHAT) === NEW_AND_OLD,
      });
      return [{ partition: firstId, records }];
    },
    locate: async ({ partition: firstId, records }, address, services) => {
      const partition = await shardsOf(address, services).shardOf(records[0]!.position.sequence, firstId);
      return { partition, records };
    },
    itemOf: ({ records }) => records[0]!.position.sequence,
    partitions: shardsOf,
  };
}
