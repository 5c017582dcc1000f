import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { CreateTableCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import dynalite from "dynalite";
import { buildApp } from "fauxqs";

export interface Emulator {
  readonly endpoint: string;
  stop(): Promise<void>;
}

/** dynalite on a free port of 127.0.0.1. */
export async function startDynamoDb(): Promise<Emulator> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return emulator(server);
}

/** The changelog's table, as the construct makes it. */
export async function createChangelogTable(client: DynamoDBClient, table = "changelog"): Promise<void> {
  await client.send(
    new CreateTableCommand({
      TableName: table,
      AttributeDefinitions: [
        { AttributeName: "task", AttributeType: "S" },
        { AttributeName: "epoch", AttributeType: "N" },
      ],
      KeySchema: [
        { AttributeName: "task", KeyType: "HASH" },
        { AttributeName: "epoch", KeyType: "RANGE" },
      ],
      BillingMode: "PAY_PER_REQUEST",
    }),
  );
}

/** A Kinesis that has a stream of shards with names of one's own, and answers ListShards alone. */
export async function startShardList(shards: readonly string[]): Promise<Emulator> {
  const HashKeyRange = { StartingHashKey: "0", EndingHashKey: String(2n ** 128n - 1n) };
  const answer = JSON.stringify({ Shards: shards.map((ShardId) => ({ ShardId, HashKeyRange })) });
  const server = createServer((_request, response) => {
    response.writeHead(200, { "content-type": "application/x-amz-json-1.1" }).end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  return emulator(server);
}

const emulator = (server: Server): Emulator => ({
  endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
  stop: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
});

/** fauxqs, S3 and SQS, on a free port of 127.0.0.1. */
export async function startS3(): Promise<Emulator> {
  const app = buildApp({ logger: false });
  const endpoint = await app.listen({ port: 0, host: "127.0.0.1" });
  return { endpoint, stop: () => app.close().then(() => undefined) };
}
