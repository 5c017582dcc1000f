import { spawn } from "node:child_process";
import { openSync } from "node:fs";
import { createServer, type AddressInfo } from "node:net";
import path from "node:path";
import { setTimeout as wait } from "node:timers/promises";
import {
  CreateTableCommand,
  DynamoDBClient,
  ListTablesCommand,
  type CreateTableCommandInput,
} from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { jarsOf } from "../harness/install.ts";
import { workDirectory } from "../harness/work.ts";

export interface LocalDynamoDb {
  /** A client of its own. */
  client(): DynamoDBClient;
  stop(): Promise<void>;
}

export const POM = path.join(import.meta.dirname, "peers/pom.xml");

/** AWS's own emulator: the local stack's knows no transactions. In memory, on this machine's loopback. */
export async function startDynamoDbLocal(): Promise<LocalDynamoDb> {
  const classPath = jarsOf("dynamodb-local", POM);
  const port = await freePort();
  const log = openSync(path.join(workDirectory("dynamodb-local"), "server.log"), "w");
  const server = spawn(
    "java",
    [
      ...["-Xmx1g", `-Djava.library.path=${path.dirname(classPath)}`, "-cp", classPath],
      "software.amazon.dynamodb.services.local.main.ServerRunner",
      ...["-inMemory", "-sharedDb", "-disableTelemetry", "-port", String(port)],
    ],
    { stdio: ["ignore", log, log] },
  );
  const end = () => server.kill("SIGKILL");
  process.once("exit", end);
  const ended = new Promise<void>((resolve) => server.once("close", () => resolve()));
  const client = () =>
    new DynamoDBClient({
      endpoint: `http://127.0.0.1:${port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      requestHandler: new NodeHttpHandler({ httpAgent: { keepAlive: true, maxSockets: 32 } }),
      maxAttempts: 1, // what is counted is sent once
    });
  const first = client();
  for (let attempt = 0; ; attempt++) {
    try {
      await first.send(new ListTablesCommand({}));
      break;
    } catch (cause) {
      if (attempt > 300 || server.exitCode !== null) throw new Error("DynamoDB Local did not start.", { cause });
      await wait(100);
    }
  }
  first.destroy();
  return {
    client,
    stop: async () => {
      process.off("exit", end);
      end();
      await ended;
    },
  };
}

/** Makes a table with a key of one or two attributes, on demand. */
export async function makeTable(
  client: DynamoDBClient,
  table: string,
  key: Readonly<Record<string, "S" | "N">>,
): Promise<void> {
  const names = Object.keys(key);
  const input: CreateTableCommandInput = {
    TableName: table,
    BillingMode: "PAY_PER_REQUEST",
    AttributeDefinitions: names.map((name) => ({ AttributeName: name, AttributeType: key[name]! })),
    KeySchema: names.map((name, i) => ({ AttributeName: name, KeyType: i === 0 ? "HASH" : "RANGE" })),
  };
  await client.send(new CreateTableCommand(input));
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}
