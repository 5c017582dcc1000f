import { CreateTableCommand, DynamoDBClient, PutItemCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { afterAll, beforeAll, expect, test } from "vitest";
import { DynamoLookupTable } from "../../lib/connectors/dynamodb-table/lookup.ts";
import type { KeyValue } from "../../lib/state/key.ts";
import { startDynamoDb, type Emulator } from "../support/emulators.ts";

let emulator: Emulator;
let client: DynamoDBClient;
const open = new AbortController().signal;

const createTable = (TableName: string, AttributeType: "S" | "N", isSorted = false) =>
  client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: [
        { AttributeName: "id", AttributeType },
        ...(isSorted ? [{ AttributeName: "at", AttributeType: "N" } as const] : []),
      ],
      KeySchema: [
        { AttributeName: "id", KeyType: "HASH" },
        ...(isSorted ? [{ AttributeName: "at", KeyType: "RANGE" } as const] : []),
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
const put = (TableName: string, id: AttributeValue, n: number) =>
  client.send(new PutItemCommand({ TableName, Item: { id, n: { N: String(n) } } }));
const tableOf = (table: string, key = "id") =>
  new DynamoLookupTable({ client, table, key, wait: () => Promise.resolve() });

beforeAll(async () => {
  emulator = await startDynamoDb();
  client = new DynamoDBClient({
    endpoint: emulator.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
  await Promise.all([createTable("texts", "S"), createTable("numbers", "N"), createTable("sorted", "S", true)]);
  for (let n = 0; n < 10; n++) {
    await put("texts", { S: `k${n}` }, n);
    await put("numbers", { N: `${n}e${2 * n}` }, n);
  }
  await put("numbers", { N: "9007199254740993" }, 93);
  await put("numbers", { N: "9007199254740992" }, 92);
});
afterAll(async () => {
  client?.destroy();
  await emulator?.stop();
});

const nOf = (rows: readonly unknown[]) => rows.map((row) => (row as { n: number } | undefined)?.n);

test("a hundred keys are one request: those that are there are found, each in its place", async () => {
  const keys = Array.from({ length: 100 }, (_, i) => `k${99 - i}`);
  const rows = await tableOf("texts").lookup(keys, open);
  expect(nOf(rows)).toEqual(keys.map((_, i) => (i < 90 ? undefined : 99 - i)));
});

test("numbers are found however they are written, and neighbours beyond 2^53 are told apart", async () => {
  const table = tableOf("numbers");
  expect(nOf(await table.lookup([1e2, 2e4, 3_000_000n, 4e8, 9e18, 0], open))).toEqual([1, 2, 3, 4, 9, 0]);
  expect(nOf(await table.lookup([9007199254740993n, 9007199254740992n], open))).toEqual([93, 92]);
  expect(nOf(await table.lookup([100, 100n], open))).toEqual([1, 1]); // one key of the table
});

test("X7: no key makes a table refuse the others' request: what cannot be in it is not found", async () => {
  const odd: fc.Arbitrary<KeyValue> = fc.oneof(
    fc.constantFrom<KeyValue>("", "x".repeat(2_049), "ü".repeat(1_025), "x".repeat(2_048), true, false),
    fc.string({ unit: "binary", maxLength: 20 }),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(odd, { maxLength: 9 }), async (keys) => {
      const rows = await tableOf("texts").lookup([...keys, "k3"], open);
      expect(nOf(rows).at(-1)).toBe(3);
    }),
    { numRuns: 100 },
  );
  const odder = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.bigInt({ min: -(10n ** 45n), max: 10n ** 45n }),
    fc.constantFrom(1e126, -1e126, 1e-131, 9.9e125, 1e-130, -0, Number.MIN_VALUE, Number.MAX_VALUE, 10n ** 125n),
  );
  await fc.assert(
    fc.asyncProperty(fc.uniqueArray(odder, { maxLength: 9 }), async (keys) => {
      const rows = await tableOf("numbers").lookup([...keys, 3e6], open);
      expect(nOf(rows).at(-1)).toBe(3);
    }),
    { numRuns: 100 },
  );
});

test("X10: a table that does not exist, or is keyed otherwise, is nobody's record's fault, and says what to do", async () => {
  await expect(tableOf("tests").lookup(["k1"], open)).rejects.toMatchObject({
    kind: "systemic",
    code: "table/missing",
    message: expect.stringMatching(/^Table tests does not exist .* Make it, or give the construct the right one/),
  });
  for (const table of [tableOf("sorted"), tableOf("texts", "key")]) {
    await expect(table.lookup(["k1"], open)).rejects.toMatchObject({
      kind: "systemic",
      code: "table/refused",
      message: expect.stringContaining("partition key"),
    });
  }
  await expect(tableOf("numbers").lookup(["k1"], open)).rejects.toMatchObject({ code: "table/refused" });
});
