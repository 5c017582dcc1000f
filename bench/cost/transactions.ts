import {
  TransactionCanceledException,
  TransactWriteItemsCommand,
  type DynamoDBClient,
  type TransactWriteItem,
} from "@aws-sdk/client-dynamodb";
import { makeTable } from "./dynamodb-local.ts";
import { byHour, sumOf, type CostEvent } from "./events.ts";
import { addition, additionOf, HOURS_KEY, readHours } from "./hours-table.ts";
import { each, type MakeWay } from "./way.ts";

/** Actions of one transaction (AWS: DynamoDB quotas). */
const MOST_ACTIONS = 100;

/** When markers may go: as long as Kinesis keeps records by default. */
const MARKER_LIFE_SECONDS = 24 * 3_600;

function marker(table: string, id: string): TransactWriteItem {
  const expires = Math.ceil(Date.now() / 1_000) + MARKER_LIFE_SECONDS;
  return {
    Put: {
      TableName: table,
      Item: { id: { S: id }, x: { N: String(expires) } },
      ConditionExpression: "attribute_not_exists(id)",
    },
  };
}

/** A transaction for each record: a marker of its id, if there is none, and the update. Atomic, whatever a retry brings. */
export const transactions: MakeWay = async ({ client, uncounted, run }) => {
  const [markers, table] = [`markers-${run}`, `hours-${run}`];
  await makeTable(uncounted, markers, { id: "S" });
  await makeTable(uncounted, table, HOURS_KEY);
  const fold = (event: CostEvent) =>
    transact(client, [marker(markers, event.eventId), { Update: additionOf(table, event) }]);
  return {
    name: "TransactWriteItems, a record",
    about: "a transaction each: a marker put if absent, and the update",
    isExactHoweverCut: true,
    // One after the other: two of the same hour would cancel each other.
    take: async ({ events }) => {
      await each([...byHour(events).values()], async (ofHour) => {
        for (const event of ofHour) await fold(event);
      });
    },
    hours: () => readHours(uncounted, table),
  };
};

/**
 * A batch's records added up by hour, as many hours in a transaction as fit, and a marker of the batch in each: the
 * cheapest that transactions can be. Right only if a retry brings the same batch, which AWS does not promise: a batch
 * that is halved on error, or read again from within, is counted twice.
 */
export const mergedTransactions: MakeWay = async ({ client, uncounted, run }) => {
  const [markers, table] = [`markers-${run}`, `hours-${run}`];
  await makeTable(uncounted, markers, { id: "S" });
  await makeTable(uncounted, table, HOURS_KEY);
  return {
    name: "TransactWriteItems, merged",
    about: "a batch added up by hour first, a marker a transaction; wrong once a retry cuts the batch differently",
    isExactHoweverCut: false,
    take: async ({ events }) => {
      const hours = [...byHour(events)];
      const [first, last] = [events[0]!, events.at(-1)!];
      for (let from = 0; from < hours.length; from += MOST_ACTIONS - 1) {
        const some = hours.slice(from, from + MOST_ACTIONS - 1);
        await transact(client, [
          marker(markers, `${first.eventId} ${last.sequence} ${from}`),
          ...some.map(([hour, ofHour]) => ({ Update: addition(table, hour, sumOf(ofHour)) })),
        ]);
      }
    },
    hours: () => readHours(uncounted, table),
  };
};

/** A transaction that was carried out before is none now. */
async function transact(client: DynamoDBClient, TransactItems: TransactWriteItem[]): Promise<void> {
  try {
    await client.send(new TransactWriteItemsCommand({ TransactItems }));
  } catch (thrown) {
    const isKnown =
      thrown instanceof TransactionCanceledException &&
      thrown.CancellationReasons?.[0]?.Code === "ConditionalCheckFailed";
    if (!isKnown) throw thrown;
  }
}
