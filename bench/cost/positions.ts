import { ConditionalCheckFailedException, UpdateItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { makeTable } from "./dynamodb-local.ts";
import { byHour, sumOf, type CostEvent } from "./events.ts";
import { addition, HOURS_KEY, readHours } from "./hours-table.ts";
import { each, type MakeWay } from "./way.ts";

/**
 * The best that is usually written by hand: a batch's records added up by hour, and an update for each hour that also keeps
 * the position of the last record in it. An hour's records are of one shard, so they come in order, and what is at or
 * below that position is in the sum. Each hour is exact, however a retry cuts the batch; hours change one by one.
 */
export const positions: MakeWay = async ({ client, uncounted, run }) => {
  const table = `hours-${run}`;
  await makeTable(uncounted, table, HOURS_KEY);
  return {
    name: "UpdateItem, merged",
    about:
      "a batch added up by hour first, an update for each hour that keeps the last position in it; hours change one by one, and none closes",
    isExactHoweverCut: true,
    take: ({ events }) => each([...byHour(events)], ([hour, ofHour]) => fold(client, table, hour, ofHour)),
    hours: () => readHours(uncounted, table),
  };
};

async function fold(client: DynamoDBClient, table: string, hour: string, events: readonly CostEvent[]): Promise<void> {
  const { ExpressionAttributeValues, UpdateExpression, ...rest } = addition(table, hour, sumOf(events));
  try {
    await client.send(
      new UpdateItemCommand({
        ...rest,
        UpdateExpression: `${UpdateExpression} SET p = :p`,
        ConditionExpression: "attribute_not_exists(p) OR p < :first",
        ExpressionAttributeValues: {
          ...ExpressionAttributeValues,
          ":p": { S: events.at(-1)!.sequence },
          ":first": { S: events[0]!.sequence },
        },
        ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      }),
    );
  } catch (thrown) {
    if (!(thrown instanceof ConditionalCheckFailedException)) throw thrown;
    const position = thrown.Item!["p"]!.S!;
    const above = events.filter(({ sequence }) => sequence > position);
    if (above.length > 0) await fold(client, table, hour, above);
  }
}
