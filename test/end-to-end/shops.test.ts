import { execFile } from "node:child_process";
import { fileURLToPath } from "node:url";
import { promisify } from "node:util";
import { CreateTableCommand, DynamoDBClient, PutItemCommand, waitUntilTableExists } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Live, until } from "./live.ts";
import shops from "./shops/pipeline.ts";

const COMMAND = fileURLToPath(new URL("../../tools/state/main.ts", import.meta.url));
const MODULE = fileURLToPath(new URL("shops/pipeline.ts", import.meta.url));
const T0 = Date.UTC(2024, 0, 1);

let live: Live;
let dynamodb: DynamoDBClient;
beforeAll(async () => {
  live = await Live.start(shops, "test/end-to-end/shops/handler.ts", {
    props: { mapping: { batchingWindow: { seconds: 0 } } },
  });
  dynamodb = new DynamoDBClient({
    endpoint: live.stack.endpoints.dynamodb,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
}, 120_000);
afterAll(async () => {
  dynamodb?.destroy();
  await live?.stop();
});

let keys = 0;
const order = (shop: string, article: string) => live.put([`random ${keys++}`, { shop, article, at: T0 + keys }]);

/** The command as a user runs it, with the environment that `npm start -- --keep` prints. */
async function largest(...args: readonly string[]): Promise<string> {
  const { outputs, environment } = live.stack;
  const stages = ["Source:Orders", "Shuffle:ByShop"].flatMap((one) => {
    const [kind, name] = one.split(":");
    return ["--stream", outputs[`${kind}${name}StreamArn`]!, "--tasks", outputs[`Stage${name}Tasks`]!];
  });
  const where = ["--table", outputs["ChangelogTable"]!, "--bucket", outputs["StateBucket"]!, ...stages];
  const { stdout } = await promisify(execFile)(
    process.execPath,
    ["--import", "tsx", COMMAND, "largest", "--pipeline", MODULE, ...args, ...where],
    { env: { ...process.env, ...environment } },
  );
  return stdout;
}

test("X10: while the table of lookups does not exist, the stage stands still and says so; then nothing is missing", async () => {
  await order("a", "pen");
  await until("the stage has said that it cannot go on", () => live.metric("SystemicFailures") > 0, 60);
  await dynamodb.send(
    new CreateTableCommand({
      TableName: "articles",
      AttributeDefinitions: [{ AttributeName: "id", AttributeType: "S" }],
      KeySchema: [{ AttributeName: "id", KeyType: "HASH" }],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
  await waitUntilTableExists({ client: dynamodb, maxWaitTime: 30, minDelay: 1 }, { TableName: "articles" });
  for (const [id, cents] of [
    ["pen", 120],
    ["ink", 990],
  ] as const) {
    await dynamodb.send(
      new PutItemCommand({ TableName: "articles", Item: { id: { S: id }, cents: { N: `${cents}` } } }),
    );
  }
  for (const article of ["ink", "ink", "none"]) await order("b", article);
  await until(
    "timers in processing time have fired, by ticks, as no record came",
    async () => {
      const rows = await live.rows("turnovers");
      return ["a", "b"].every((shop) => rows.some((row) => row["shop"] === shop));
    },
    60,
  );
  // Before the table was there, its lookups may have found it without items: the price of the first order is 0 then.
  expect(await live.rows("turnovers")).toMatchObject([{ shop: "a" }, { shop: "b" }]);
  expect(await live.deadLetters()).toEqual(new Map());
}, 150_000);

test("the size of each operator's state is a metric of its own dimensions", async () => {
  await until("it was counted", () => live.stack.metrics().some(({ name }) => name === "StateEntries"));
  const [series, ...others] = live.stack.metrics().filter(({ name }) => name === "StateEntries");
  expect(others).toEqual([]);
  expect(series!.dimensions).toEqual({ deployment: "live", pipeline: "shops", stage: "by-shop", operator: "turnover" });
});

test("the keys that take most of the state are listed, of all shards and stages, the task's own state among them", async () => {
  const listed = JSON.parse(await largest("--json")) as { key: object; operator: string; entries: number }[];
  expect(listed.map(({ key }) => key)).toEqual([{ shop: "b" }, { shop: "a" }, {}]);
  expect(listed[0]).toMatchObject({
    operator: "turnover",
    stage: "by-shop",
    shard: "shardId-000000000000",
    entries: 5,
  });
  expect(JSON.parse(await largest("--json", "--limit", "1"))).toHaveLength(1);
  expect(JSON.parse(await largest("--json", "--operator", "other"))).toEqual([]);
  expect(await largest()).toMatch(/turnover +5 +\d+ +shardId-0+ +\{"shop":"b"\}\n.*\n.*\(the task's own\)\n/);
}, 60_000);
