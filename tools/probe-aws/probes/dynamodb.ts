import {
  ConditionalCheckFailedException,
  PutItemCommand,
  QueryCommand,
  UpdateItemCommand,
  type AttributeValue,
} from "@aws-sdk/client-dynamodb";
import { limit, type Probe, type ProbeContext } from "../probe.ts";

/** The sort key of the task item (docs/operations.md). */
const TASK_ITEM = Number.MAX_SAFE_INTEGER;
const RACERS = 50;
const ROUNDS = 20;
const ITEM_BYTES = 400 * 1_024;

const put = (
  { clients, place }: ProbeContext,
  task: string,
  epoch: number,
  attributes: Record<string, AttributeValue> = {},
) =>
  clients.dynamodb.send(
    new PutItemCommand({
      TableName: place.table,
      Item: { task: { S: task }, epoch: { N: String(epoch) }, ...attributes },
      ConditionExpression: "attribute_not_exists(task)",
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
    }),
  );

const newest = ({ clients, place }: ProbeContext, task: string) =>
  clients.dynamodb.send(
    new QueryCommand({
      TableName: place.table,
      ConsistentRead: true,
      ScanIndexForward: false,
      KeyConditionExpression: "task = :task",
      ExpressionAttributeValues: { ":task": { S: task } },
    }),
  );

/** What the changelog rests on. */
export const dynamodbProbes: readonly Probe[] = [
  {
    service: "DynamoDB",
    assumption: "of puts conditional on absence that race, one wins (X1)",
    async run(context) {
      const task = `${context.run}-race`;
      const results = await Promise.allSettled(
        Array.from({ length: RACERS }, (_, i) => put(context, task, 1, { nonce: { N: String(i) } })),
      );
      const won = results.filter(({ status }) => status === "fulfilled").length;
      const refused = results.filter(
        (result) => result.status === "rejected" && result.reason instanceof ConditionalCheckFailedException,
      ).length;
      return { holds: won === 1 && refused === RACERS - 1, seen: `of ${RACERS}, ${won} won, ${refused} were refused` };
    },
  },
  {
    service: "DynamoDB",
    assumption: "who loses is shown the item, if asked for (ReturnValuesOnConditionCheckFailure)",
    async run(context) {
      const task = `${context.run}-shown`;
      await put(context, task, 1, { nonce: { S: "first" } });
      try {
        await put(context, task, 1, { nonce: { S: "second" } });
        return { holds: false, seen: "the second put was taken" };
      } catch (error) {
        if (!(error instanceof ConditionalCheckFailedException)) throw error;
        const nonce = error.Item?.["nonce"]?.S;
        return { holds: nonce === "first", seen: nonce === undefined ? "no item was shown" : `shown: ${nonce}` };
      }
    },
  },
  {
    service: "DynamoDB",
    assumption: "a consistent query sees each acknowledged put, the newest first, the task item before all",
    async run(context) {
      const task = `${context.run}-query`;
      await put(context, task, TASK_ITEM);
      for (let epoch = 1; epoch <= ROUNDS; epoch++) {
        await put(context, task, epoch);
        const { Items = [] } = await newest(context, task);
        const seen = Items.map((item) => Number(item["epoch"]?.N));
        const wanted = [TASK_ITEM, ...Array.from({ length: epoch }, (_, i) => epoch - i)];
        if (seen.join() !== wanted.join()) return { holds: false, seen: `after epoch ${epoch}: ${seen.join(", ")}` };
      }
      return { holds: true, seen: `${ROUNDS} puts, each seen at once` };
    },
  },
  {
    service: "DynamoDB",
    assumption: "a number that may only rise is not lowered by a conditional update",
    async run(context) {
      const raise = (to: number) =>
        context.clients.dynamodb.send(
          new UpdateItemCommand({
            TableName: context.place.table,
            Key: { task: { S: `${context.run}-raise` }, epoch: { N: "1" } },
            UpdateExpression: "SET delivered = :to",
            ConditionExpression: "attribute_not_exists(delivered) OR delivered < :to",
            ExpressionAttributeValues: { ":to": { N: String(to) } },
          }),
        );
      await raise(7);
      return limit(
        () => raise(9),
        () => raise(8),
      );
    },
  },
  {
    service: "DynamoDB",
    assumption: "an item may have 400 KB, names included, and no byte more",
    async run(context) {
      const task = `${context.run}-size`;
      // A number takes a byte, and one for each two digits.
      const rest = "task".length + task.length + "epoch".length + 2 + "b".length;
      const sized = (epoch: number, bytes: number) =>
        put(context, task, epoch, { b: { B: Buffer.alloc(bytes - rest) } });
      return limit(
        () => sized(1, ITEM_BYTES),
        () => sized(2, ITEM_BYTES + 1),
      );
    },
  },
  {
    service: "DynamoDB",
    assumption: "a query answers with 1 MB at most, and says that there is more",
    async run(context) {
      const task = `${context.run}-page`;
      for (let epoch = 1; epoch <= 4; epoch++) await put(context, task, epoch, { b: { B: Buffer.alloc(390 * 1_024) } });
      const { Items = [], LastEvaluatedKey } = await newest(context, task);
      return {
        holds: Items.length < 4 && LastEvaluatedKey !== undefined,
        seen: `${Items.length} of 4 items of 390 KB, ${LastEvaluatedKey === undefined ? "and no more" : "and more"}`,
      };
    },
  },
];
