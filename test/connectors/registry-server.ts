import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

/** A schema registry with Confluent's HTTP interface, on a free port of 127.0.0.1: as much of it as readers ask for. */
export class RegistryServer {
  readonly url: string;
  /** What it answers to a request for a schema; undefined for what it has registered. */
  answer: ((id: number, response: ServerResponse) => boolean) | undefined;
  /** The login that it wants: `username:password`. */
  login: string | undefined;
  /** Ids that it was asked for, in order. */
  readonly asked: number[] = [];
  readonly #schemas = new Map<number, object>();
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => this.#handle(request, response));
  }

  static async start(): Promise<RegistryServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new RegistryServer(server);
  }

  /** @param more what an answer has beside the schema */
  register(id: number, schema: unknown, more: object = {}): void {
    this.#schemas.set(id, { schema: typeof schema === "string" ? schema : JSON.stringify(schema), ...more });
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #handle({ url = "", headers }: IncomingMessage, response: ServerResponse): void {
    const id = Number(/^\/schemas\/ids\/(\d+)$/.exec(url)?.[1]);
    this.asked.push(id);
    if (this.answer?.(id, response) === true) return;
    const known = this.#schemas.get(id);
    const expected = this.login && `Basic ${Buffer.from(this.login).toString("base64")}`;
    if (expected !== undefined && headers.authorization !== expected) {
      response.writeHead(401).end('{"error_code":401,"message":"Unauthorized"}');
    } else if (known === undefined) {
      response.writeHead(404).end('{"error_code":40403,"message":"Schema not found"}');
    } else {
      response.writeHead(200, { "content-type": "application/vnd.schemaregistry.v1+json" }).end(JSON.stringify(known));
    }
  }
}
