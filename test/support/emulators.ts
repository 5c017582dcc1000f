import type { AddressInfo } from "node:net";
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
  return {
    endpoint: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    stop: () => new Promise((resolve) => (server.close(() => resolve()), server.closeAllConnections())),
  };
}

/** fauxqs, S3 and SQS, on a free port of 127.0.0.1. */
export async function startS3(): Promise<Emulator> {
  const app = buildApp({ logger: false });
  const endpoint = await app.listen({ port: 0, host: "127.0.0.1" });
  return { endpoint, stop: () => app.close().then(() => undefined) };
}
