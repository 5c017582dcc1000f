import { createServer as createHttp1, type IncomingMessage, type ServerResponse } from "node:http";
import { createServer as createHttp2, type Http2ServerRequest, type Http2ServerResponse } from "node:http2";
import { createServer, type AddressInfo, type Socket } from "node:net";
import { reasonOf } from "../errors.ts";
import type { Handler, Outcome } from "./exchange.ts";

export interface Listener {
  readonly port: number;
  close(): Promise<void>;
}

/** How HTTP/2 clients begin; the AWS SDK speaks it to Kinesis unless told otherwise. */
const http2Preface = "PRI * HTTP/2.0";

/** Longer than any client keeps an idle connection, so that none is closed just as a request goes out on it. */
const keepAliveMillis = 600_000;

/** Listens on a free local port, for HTTP/1.1 and for HTTP/2 without TLS. */
export async function listen(handler: Handler): Promise<Listener> {
  const sockets = new Set<Socket>();
  const respond = (incoming: IncomingMessage | Http2ServerRequest, outgoing: ServerResponse | Http2ServerResponse) => {
    const chunks: Buffer[] = [];
    incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
    incoming.on("error", () => undefined);
    outgoing.on("error", () => undefined);
    incoming.on("end", () => {
      const body = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks);
      const { method = "GET", url = "/", headers } = incoming;
      handler({ method, path: url, headers, body }).then(
        (outcome) => send(outcome, method, incoming, outgoing),
        (error: unknown) => send(unavailable(error), method, incoming, outgoing),
      );
    });
  };
  const http1 = createHttp1({ keepAliveTimeout: keepAliveMillis, requestTimeout: 0 }, respond);
  const http2 = createHttp2(respond);
  http2.on("sessionError", () => undefined);
  const server = createServer({ noDelay: true }, (socket) => {
    sockets.add(socket);
    socket.on("close", () => sockets.delete(socket));
    socket.on("error", () => socket.destroy());
    socket.once("data", (first: Buffer) => {
      socket.pause();
      socket.unshift(first);
      const isHttp2 = first.subarray(0, http2Preface.length).toString("latin1") === http2Preface;
      (isHttp2 ? http2 : http1).emit("connection", socket);
      if (!isHttp2) process.nextTick(() => socket.resume());
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once("error", reject);
    server.listen(0, "127.0.0.1", resolve);
  });
  return {
    port: (server.address() as AddressInfo).port,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        for (const socket of sockets) socket.destroy();
      }),
  };
}

function send(
  outcome: Outcome,
  method: string,
  incoming: IncomingMessage | Http2ServerRequest,
  outgoing: ServerResponse | Http2ServerResponse,
): void {
  if (outcome === "cut") {
    incoming.socket.destroy();
    return;
  }
  if (outgoing.writableEnded || incoming.socket.destroyed) return;
  const isHttp2 = incoming.httpVersionMajor === 2;
  for (const [name, value] of Object.entries(outcome.headers)) {
    if (value === undefined || hopByHop.has(name) || (isHttp2 && name === "keep-alive")) continue;
    outgoing.setHeader(name, value);
  }
  if (method !== "HEAD" || outcome.headers["content-length"] === undefined) {
    outgoing.setHeader("content-length", outcome.body.length);
  }
  outgoing.statusCode = outcome.status;
  (outgoing as ServerResponse).end(outcome.body);
}

/** Headers that belong to one connection. */
export const hopByHop: ReadonlySet<string> = new Set([
  "connection",
  "keep-alive",
  "transfer-encoding",
  "expect",
  "upgrade",
  "http2-settings",
  "te",
]);

function unavailable(error: unknown): Outcome {
  const body = Buffer.from(JSON.stringify({ __type: "InternalFailure", message: `local stack: ${reasonOf(error)}` }));
  return { status: 500, headers: { "content-type": "application/x-amz-json-1.0" }, body };
}
