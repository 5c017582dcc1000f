import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from "node:http";
import type { AddressInfo } from "node:net";
import { FAIR, type Weather } from "./sink-contract.ts";

/** A request that was taken. */
export interface Taken {
  readonly id: string;
  readonly body: string;
  readonly headers: IncomingHttpHeaders;
  readonly method: string;
}

export type Answer = (response: ServerResponse, taken: Taken, path: string) => void;

/** A server that takes rows, on a free port of 127.0.0.1. */
export class HookServer {
  readonly origin: string;
  weather: Weather = FAIR;
  /** What it answers; undefined for 204, and 422 to whoever asks to be refused. */
  answer: Answer | undefined;
  /** Requests under way at most, so far. */
  most = 0;
  #underWay = 0;
  #taken: Taken[] = [];
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.origin = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
    server.on("request", (request, response) => void this.#handle(request, response));
  }

  static async start(): Promise<HookServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new HookServer(server);
  }

  stop(): Promise<void> {
    return new Promise((resolve) => (this.#server.close(() => resolve()), this.#server.closeAllConnections()));
  }

  /** What was taken since the last time. */
  taken(): readonly Taken[] {
    return this.#taken.splice(0);
  }

  async #handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    this.most = Math.max(this.most, ++this.#underWay);
    response.on("close", () => this.#underWay--);
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const { headers, method = "", url = "" } = request;
    const taken = { id: String(headers["idempotency-key"]), body: Buffer.concat(chunks).toString(), headers, method };
    if (this.answer !== undefined) {
      this.answer(response, taken, url);
      return;
    }
    const fails = this.weather.fails([taken.id]);
    if (fails === "before") request.socket.destroy();
    else if (this.weather.leaves([taken.id])) response.writeHead(503).end();
    else if (taken.body.includes("refuse me")) response.writeHead(422).end("It is not to my liking.");
    else {
      this.#taken.push(taken);
      if (fails === "after") request.socket.destroy();
      else response.writeHead(204).end();
    }
  }

  /** Notes a request as taken: for {@link answer}. */
  take(taken: Taken): void {
    this.#taken.push(taken);
  }
}
