import { join } from "node:path";
import { JsonClient } from "../gateway/json-client.ts";
import { compileEntry, packageEntry, siblingFile } from "../processes/compile-entry.ts";
import { startServerProcess, type OnEmulatorEnd } from "../processes/server-process.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";

export interface DynamoDbEmulator {
  readonly port: number;
  readonly client: JsonClient;
  stop(): Promise<void>;
}

export async function startDynamoDb(dataDirectory: string, onEnd: OnEmulatorEnd): Promise<DynamoDbEmulator> {
  const entry = compileEntry(siblingFile(import.meta.url, "./dynalite-entry"), join(dataDirectory, "entries"));
  const server = await startServerProcess(entry, {
    name: "dynalite",
    argument: { packageUrl: packageEntry("dynalite") },
    logFile: join(dataDirectory, "dynamodb.log"),
    onEnd,
  });
  const client = new JsonClient(server.port, "DynamoDB_20120810", "application/x-amz-json-1.0");
  return {
    port: server.port,
    client,
    stop: async () => {
      client.close();
      await server.stop();
    },
  };
}

/** What of a table's properties the emulator understands; the rest (recovery, encryption) changes nothing local, and time to live is time-to-live.ts's. */
const copied = ["AttributeDefinitions", "KeySchema"] as const;
const indexKinds = ["GlobalSecondaryIndexes", "LocalSecondaryIndexes"] as const;

export async function createTable(client: JsonClient, resource: ResolvedResource): Promise<void> {
  const { properties } = resource;
  const input: Record<string, unknown> = { TableName: resource.name, BillingMode: "PAY_PER_REQUEST" };
  for (const name of copied) input[name] = properties[name];
  for (const name of indexKinds) {
    const indexes = properties[name];
    if (!Array.isArray(indexes) || indexes.length === 0) continue;
    input[name] = indexes.map((index: Record<string, unknown>) => ({
      IndexName: index["IndexName"],
      KeySchema: index["KeySchema"],
      Projection: index["Projection"],
    }));
  }
  await client.call("CreateTable", input);
  await untilActive(client, resource.name);
}

async function untilActive(client: JsonClient, TableName: string): Promise<void> {
  for (;;) {
    const answer = (await client.call("DescribeTable", { TableName })) as {
      readonly Table?: { readonly TableStatus?: string };
    };
    if (answer.Table?.TableStatus === "ACTIVE") return;
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}
