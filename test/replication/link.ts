import { createServer, request, type IncomingMessage, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { seededRandom } from "../../localstack/random.ts";

/** How a line between two regions behaves: shares of requests, from 0 to 1. */
export interface Trouble {
  /** Cut before anything is done. */
  readonly lost: number;
  /** Carried out, and the answer cut. */
  readonly unanswered: number;
}

/** A line to a service of another region: it listens before there is anything on the other side. */
export class Link {
  readonly url: string;
  target = "";
  trouble: Trouble = { lost: 0, unanswered: 0 };
  /** How many requests met trouble. */
  troubled = 0;
  readonly #server: Server;

  private constructor(server: Server) {
    this.#server = server;
    this.url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
  }

  static async open(seed: number): Promise<Link> {
    const random = seededRandom(seed, "link");
    const server = createServer((incoming, outgoing) => {
      const chunks: Buffer[] = [];
      incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
      incoming.on("end", () => {
        const luck = random();
        const { lost, unanswered } = link.trouble;
        const cut = () => (link.troubled++, outgoing.destroy());
        if (luck < lost) return cut();
        link.#forward(incoming, Buffer.concat(chunks), (answer, body) => {
          if (luck < lost + unanswered) return cut();
          outgoing.writeHead(answer.statusCode ?? 500, answer.headers).end(body);
        });
      });
    });
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    const link = new Link(server);
    return link;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  #forward(
    { method, url, headers }: IncomingMessage,
    body: Buffer,
    answered: (answer: IncomingMessage, body: Buffer) => void,
  ): void {
    const { host: _host, connection: _connection, ...others } = headers;
    const onward = request(new URL(url ?? "/", this.target), { method, headers: others }, (answer) => {
      const chunks: Buffer[] = [];
      answer.on("data", (chunk: Buffer) => chunks.push(chunk));
      answer.on("end", () => answered(answer, Buffer.concat(chunks)));
    });
    onward.on("error", () => answered({ statusCode: 503, headers: {} } as IncomingMessage, Buffer.alloc(0)));
    onward.end(body);
  }
}
