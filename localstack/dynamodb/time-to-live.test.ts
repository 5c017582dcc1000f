import { BatchWriteItemCommand, DynamoDBClient, ScanCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";

const table = (TableName: string, properties = {}) => ({
  Type: "AWS::DynamoDB::Table",
  Properties: {
    TableName,
    KeySchema: [
      { AttributeName: "task", KeyType: "HASH" },
      { AttributeName: "epoch", KeyType: "RANGE" },
    ],
    AttributeDefinitions: [
      { AttributeName: "task", AttributeType: "S" },
      { AttributeName: "epoch", AttributeType: "N" },
    ],
    ...properties,
  },
});
const expiringBy = (AttributeName: string, Enabled = true) => ({
  TimeToLiveSpecification: { AttributeName, Enabled },
});

let temporary: TemporaryStack;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  temporary = await temporaryStack({
    Resources: {
      Expiring: table("expiring", expiringBy("x")),
      Disabled: table("disabled", expiringBy("x", false)),
      Lasting: table("lasting"),
    },
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  dynamodb = new DynamoDBClient({ region: "us-east-1", credentials, endpoint: temporary.stack.endpoints.dynamodb });
});
afterAll(async () => {
  dynamodb.destroy();
  await temporary.remove();
});

/** Writes items with these attributes, numbered by their epochs. */
async function put(TableName: string, attributes: readonly Record<string, AttributeValue>[]): Promise<void> {
  for (let from = 0; from < attributes.length; from += 25) {
    const requests = attributes.slice(from, from + 25).map((own, i) => ({
      PutRequest: { Item: { task: { S: "t" }, epoch: { N: String(from + i) }, ...own } },
    }));
    await dynamodb.send(new BatchWriteItemCommand({ RequestItems: { [TableName]: requests } }));
  }
}

async function epochs(TableName: string): Promise<readonly number[]> {
  const { Items = [] } = await dynamodb.send(new ScanCommand({ TableName }));
  return Items.map(({ epoch }) => Number(epoch?.N));
}

describe("Time to live", () => {
  it("deletes items whose attribute is a number of seconds that is past, and no others", async () => {
    const attributes = [{ x: { N: "99" } }, { x: { N: "100" } }, { x: { N: "101" } }, { x: { S: "1" } }, {}];
    for (const name of ["expiring", "disabled", "lasting"]) await put(name, attributes);
    expect(await temporary.stack.expireItems(100_999)).toBe(2);
    expect(await epochs("expiring")).toEqual([2, 3, 4]);
    expect(await epochs("disabled")).toHaveLength(5);
    expect(await epochs("lasting")).toHaveLength(5);
    expect(await temporary.stack.expireItems(100_999)).toBe(0);
  });

  it("goes through tables of many pages", async () => {
    // A scan's page is 1 MB.
    const large = Array.from({ length: 25 }, () => ({ x: { N: "1" }, body: { S: "b".repeat(100_000) } }));
    await put("expiring", large);
    expect(await temporary.stack.expireItems(1_000)).toBe(25);
  });
});
