import { BatchWriteItemCommand, DynamoDBClient, DeleteItemCommand, PutItemCommand } from "@aws-sdk/client-dynamodb";
import { AttributeType, BillingMode, StreamViewType, Table } from "aws-cdk-lib/aws-dynamodb";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { seededRandom } from "../../localstack/random.ts";
import type { TaskStatus } from "millrace/lambda";
import { Live } from "./live.ts";
import orders from "./table-stream/pipeline.ts";

const faults = {
  seed: 5,
  killWorker: 0.15,
  repeatBatch: 0.15,
  cutBatch: 0.4,
  throttleTable: 0.03,
  loseTableAnswer: 0.05,
  failSink: 0.05,
  failSinkPartly: 0,
  repeatSink: 0.05,
  delaySink: 0,
  delayMillis: 0,
  throttleStream: 0.1,
  loseStreamAnswer: 0.1,
  earlyChild: 0.5,
};

/** An item's changes as the table made them, in order. */
interface Change {
  readonly shop: string;
  readonly id: string;
  readonly op: "insert" | "update" | "delete";
  readonly expired: boolean;
  readonly cents: number;
}

let live: Live;
let dynamodb: DynamoDBClient;
let tasks: readonly TaskStatus[];
let shardsBefore = 0;
const random = seededRandom(11);
const stood = new Map<string, number>();
const made: Change[] = [];

/** Notes what a write of an item changes: of what it leaves as it was there is no record. */
function note(shop: string, id: string, cents: number | undefined, expired = false): void {
  const key = `${shop} ${id}`;
  const before = stood.get(key);
  if (before === cents) return;
  const op = before === undefined ? "insert" : cents === undefined ? "delete" : "update";
  made.push({ shop, id, op, expired, cents: (cents ?? 0) - (before ?? 0) });
  if (cents === undefined) stood.delete(key);
  else stood.set(key, cents);
}

async function write(times: number): Promise<void> {
  const TableName = "shop-orders";
  const itemOf = (shop: string, id: string, cents: number, x?: number) => ({
    shop: { S: shop },
    id: { S: id },
    cents: { N: String(cents) },
    ...(x !== undefined && { expires: { N: String(x) } }),
  });
  for (let i = 0; i < times; i++) {
    const shop = `shop-${Math.floor(random() * 12)}`;
    const id = `order-${Math.floor(random() * 5)}`;
    const cents = Math.floor(random() * 4);
    if (random() < 0.2) {
      await dynamodb.send(new DeleteItemCommand({ TableName, Key: { shop: { S: shop }, id: { S: id } } }));
      note(shop, id, undefined);
    } else if (random() < 0.2) {
      const ids = ["batch-a", "batch-b"];
      const requests = ids.map((one) => ({ PutRequest: { Item: itemOf(shop, one, cents) } }));
      await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
      for (const one of ids) note(shop, one, cents);
    } else {
      await dynamodb.send(new PutItemCommand({ TableName, Item: itemOf(shop, id, cents) }));
      note(shop, id, cents);
    }
  }
}

beforeAll(async () => {
  live = await Live.start(orders, "test/end-to-end/table-stream/handler.ts", {
    faults,
    beside: (stack) => ({
      stream: { shards: 2 },
      mapping: { batchSize: 40, batchingWindow: { seconds: 0 } },
      function: { timeout: { seconds: 20 } },
      tableStreams: {
        orders: {
          table: new Table(stack, "Orders", {
            tableName: "shop-orders",
            partitionKey: { name: "shop", type: AttributeType.STRING },
            sortKey: { name: "id", type: AttributeType.STRING },
            billingMode: BillingMode.PAY_PER_REQUEST,
            stream: StreamViewType.NEW_AND_OLD_IMAGES,
            timeToLiveAttribute: "expires",
          }),
        },
      },
    }),
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  dynamodb = new DynamoDBClient({ region: "us-east-1", credentials, endpoint: live.stack.endpoints.dynamodb });
  await write(150);
  live.stack.rollTableStream("shop-orders");
  await write(150);
  live.stack.rollTableStream("shop-orders", 3);
  await write(150);
  // One more whose time is over: DynamoDB deletes it.
  const expiring = { shop: { S: "shop-0" }, id: { S: "gone" }, cents: { N: "9" }, expires: { N: "1" } };
  await dynamodb.send(new PutItemCommand({ TableName: "shop-orders", Item: expiring }));
  note("shop-0", "gone", 9);
  await live.stack.expireItems(10_000);
  note("shop-0", "gone", undefined, true);
  live.stack.rollTableStream("shop-orders");
  shardsBefore = (await live.deployment.source.shards()).length;
  await write(50);
  await live.committed(120);
  tasks = await live.drain();
}, 300_000);
afterAll(async () => {
  dynamodb?.destroy();
  await live?.stop();
});

function grouped<T>(all: readonly T[], keyOf: (one: T) => string): Map<string, T[]> {
  const groups = new Map<string, T[]>();
  for (const one of all) groups.set(keyOf(one), [...(groups.get(keyOf(one)) ?? []), one]);
  return groups;
}

describe("a table's stream over four generations of shards, while workers are killed and batches repeated", () => {
  test("it went as it was meant to", () => {
    expect(shardsBefore).toBe(1 + 1 + 3 + 3);
    const { killWorker, repeatBatch } = live.stack.injected();
    expect(killWorker).toBeGreaterThan(0);
    expect(repeatBatch).toBeGreaterThan(0);
    expect(made.length).toBeGreaterThan(300);
  });

  test("every change of every item is there once, in the item's order, with what time to live took", async () => {
    const rows = await live.rows("changes");
    const byItem = (all: readonly Record<string, unknown>[]) =>
      grouped(all, ({ shop, id }) => `${String(shop)} ${String(id)}`);
    const told = ({ op, expired }: Record<string, unknown>) => `${String(op)} ${String(expired)}`;
    const inOrder = rows.toSorted((a, b) => (String(a["position"]) < String(b["position"]) ? -1 : 1));
    const [seen, expected] = [byItem(inOrder), byItem(made as never)];
    expect(rows).toHaveLength(made.length);
    expect([...seen.keys()].toSorted()).toEqual([...expected.keys()].toSorted());
    for (const [item, changes] of expected) expect(seen.get(item)!.map(told), item).toEqual(changes.map(told));
  });

  test("what each shop's orders are worth is exact, by new images less the old ones", async () => {
    const last = new Map<string, Record<string, unknown>>();
    for (const row of await live.rows("totals")) {
      const before = last.get(String(row["shop"]));
      if (before === undefined || Number(row["changes"]) > Number(before["changes"]))
        last.set(String(row["shop"]), row);
    }
    const expected = [...grouped(made, ({ shop }) => shop)].map(([shop, changes]) => ({
      shop,
      changes: changes.length,
      cents: changes.reduce((sum, { cents }) => sum + cents, 0),
    }));
    const shops = [...last.values()].map(({ shop, changes, cents }) => ({
      shop,
      changes: Number(changes),
      cents: Number(cents),
    }));
    const sorted = (all: readonly { shop: unknown }[]) =>
      all.toSorted((a, b) => (String(a.shop) < String(b.shop) ? -1 : 1));
    expect(sorted(shops)).toEqual(sorted(expected));
  });

  test("closed shards are sealed, and every record is accounted for once", async () => {
    const source = tasks.filter(({ task }) => task.includes(":orders:orders."));
    const shards = await live.deployment.source.shards();
    expect(source.map(({ sealed }) => sealed)).toEqual(shards.map(({ isOpen }) => !isOpen));
    const total = source.reduce((sum, { counters }) => sum + (counters.get("orders")?.in ?? 0), 0);
    expect(total).toBe(made.length);
    expect(await live.deadLetters()).toEqual(new Map());
  });
});
