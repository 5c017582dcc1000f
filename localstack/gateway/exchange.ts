import type { IncomingHttpHeaders, OutgoingHttpHeaders } from "node:http";

/** Who asks: only requests of functions meet injected faults. */
export type Caller = "user" | "function";

/** A request that has come in whole. */
export interface GatewayRequest {
  readonly method: string;
  /** Path and query. */
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: Buffer;
}

export interface GatewayAnswer {
  readonly status: number;
  readonly headers: OutgoingHttpHeaders;
  readonly body: Buffer;
}

/** What a service's handling comes to: an answer, or a connection cut without one. */
export type Outcome = GatewayAnswer | "cut";

export type Handler = (request: GatewayRequest) => Promise<Outcome>;

/** The operation of an AWS JSON request: what comes after the dot of its target header. */
export function targetOperation(request: GatewayRequest): string {
  const target = request.headers["x-amz-target"];
  return typeof target === "string" ? (target.split(".").at(-1) ?? target) : `${request.method} ${request.path}`;
}

export function jsonAnswer(status: number, body: unknown, contentType: string): GatewayAnswer {
  const bytes = Buffer.from(JSON.stringify(body));
  return { status, headers: { "content-type": contentType }, body: bytes };
}

/** The answer with another body; checksums of the old one are dropped. */
export function withBody(answer: GatewayAnswer, body: Buffer): GatewayAnswer {
  const { "x-amz-crc32": _crc, "content-length": _length, ...headers } = answer.headers;
  return { ...answer, headers, body };
}
