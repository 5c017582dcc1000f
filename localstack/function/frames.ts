import type { Duplex } from "node:stream";

/**
 * Messages between the host and an execution environment: a small JSON head and a body that is passed as it is,
 * so that an event of megabytes is not escaped and parsed once more on its way.
 */
export interface Frame<Head> {
  readonly head: Head;
  readonly body: Buffer;
}

/** Two lengths of 32 bits, the head, the body. */
const prefixBytes = 8;

export function writeFrame(channel: Duplex, head: unknown, body: Buffer): void {
  const headBytes = Buffer.from(JSON.stringify(head));
  const prefix = Buffer.allocUnsafe(prefixBytes);
  prefix.writeUInt32LE(headBytes.length, 0);
  prefix.writeUInt32LE(body.length, 4);
  channel.cork();
  channel.write(prefix);
  channel.write(headBytes);
  if (body.length > 0) channel.write(body);
  channel.uncork();
}

/** Calls `onFrame` for each whole frame that arrives. */
export function readFrames<Head>(channel: Duplex, onFrame: (frame: Frame<Head>) => void): void {
  let chunks: Buffer[] = [];
  let held = 0;
  let wanted = prefixBytes;
  channel.on("data", (chunk: Buffer) => {
    chunks.push(chunk);
    held += chunk.length;
    while (held >= wanted) {
      const bytes = chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks, held);
      chunks = [bytes];
      const headLength = bytes.readUInt32LE(0);
      const total = prefixBytes + headLength + bytes.readUInt32LE(4);
      if (held < total) {
        wanted = total;
        return;
      }
      const head = JSON.parse(bytes.toString("utf8", prefixBytes, prefixBytes + headLength)) as Head;
      onFrame({ head, body: bytes.subarray(prefixBytes + headLength, total) });
      const rest = bytes.subarray(total);
      chunks = rest.length > 0 ? [rest] : [];
      held = rest.length;
      wanted = prefixBytes;
    }
  });
}

/** From the host: run the handler on the body, which is the event's JSON. */
export interface InvokeHead {
  readonly requestId: string;
  readonly deadline: number;
}

/** From the environment. The body is the answer's JSON, or the error's. */
export type EnvironmentHead =
  | { readonly kind: "ready" }
  | { readonly kind: "initFailed" }
  | { readonly kind: "answer"; readonly requestId: string }
  | { readonly kind: "failed"; readonly requestId: string };

/** What Lambda gives for a function's error. */
export interface FunctionFailure {
  readonly errorType: string;
  readonly errorMessage: string;
  readonly trace?: readonly string[];
}
