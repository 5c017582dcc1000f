import { Agent, request, type OutgoingHttpHeaders } from "node:http";
import type { GatewayAnswer, GatewayRequest } from "./exchange.ts";
import { hopByHop } from "./listener.ts";

export interface Forwarder {
  forward(incoming: GatewayRequest): Promise<GatewayAnswer>;
  close(): void;
}

/** Sends requests on to an emulator's port. */
export function forwardTo(port: number): Forwarder {
  const agent = new Agent({ keepAlive: true, maxSockets: 256 });
  return {
    forward: (incoming) =>
      new Promise((resolve, reject) => {
        const headers: OutgoingHttpHeaders = {};
        for (const [name, value] of Object.entries(incoming.headers)) {
          if (!hopByHop.has(name) && !name.startsWith(":") && name !== "host") headers[name] = value;
        }
        headers["content-length"] = incoming.body.length;
        const { method, path } = incoming;
        const outgoing = request({ agent, host: "127.0.0.1", port, method, path, headers }, (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () =>
            resolve({ status: answer.statusCode ?? 502, headers: answer.headers, body: Buffer.concat(chunks) }),
          );
        });
        outgoing.on("error", reject);
        outgoing.end(incoming.body);
      }),
    close: () => agent.destroy(),
  };
}
