import type { AddressInfo } from "node:net";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import dynalite from "dynalite";

/** Does something with a DynamoDB emulator that is an npm package: CI has no need of Java here. */
export async function withDynamoDb<T>(work: (client: () => DynamoDBClient) => Promise<T>): Promise<T> {
  const server = dynalite({ createTableMs: 0 });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const clients: DynamoDBClient[] = [];
  const client = () => {
    const one = new DynamoDBClient({
      endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      requestHandler: new NodeHttpHandler(),
      maxAttempts: 1, // what is counted is sent once
    });
    clients.push(one);
    return one;
  };
  try {
    return await work(client);
  } finally {
    clients.forEach((one) => one.destroy());
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
}
