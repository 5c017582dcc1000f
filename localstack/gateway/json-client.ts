import { Agent, request } from "node:http";
import { LocalStackError } from "../errors.ts";

/** Calls an AWS JSON service on a local port: the stack's own way in, past the gateways and their faults. */
export class JsonClient {
  private readonly port: number;
  private readonly targetPrefix: string;
  private readonly contentType: string;
  private readonly agent = new Agent({ keepAlive: true, maxSockets: 64 });

  constructor(port: number, targetPrefix: string, contentType: string) {
    this.port = port;
    this.targetPrefix = targetPrefix;
    this.contentType = contentType;
  }

  async call(operation: string, input: unknown, signal?: AbortSignal): Promise<unknown> {
    const body = Buffer.from(JSON.stringify(input));
    const { status, text } = await this.exchange(operation, body, signal);
    if (status === 200) return text === "" ? {} : (JSON.parse(text) as unknown);
    throw serviceError(operation, status, text);
  }

  close(): void {
    this.agent.destroy();
  }

  private exchange(operation: string, body: Buffer, signal?: AbortSignal): Promise<{ status: number; text: string }> {
    return new Promise((resolve, reject) => {
      const outgoing = request(
        {
          agent: this.agent,
          host: "127.0.0.1",
          port: this.port,
          method: "POST",
          path: "/",
          headers: {
            "content-type": this.contentType,
            "content-length": body.length,
            "x-amz-target": `${this.targetPrefix}.${operation}`,
            // The emulators look at the shape of these, not at their truth.
            "x-amz-date": "20010101T000000Z",
            authorization:
              "AWS4-HMAC-SHA256 Credential=local/20010101/us-east-1/local/aws4_request, SignedHeaders=host, Signature=0",
          },
          ...(signal === undefined ? {} : { signal }),
        },
        (incoming) => {
          const chunks: Buffer[] = [];
          incoming.on("data", (chunk: Buffer) => chunks.push(chunk));
          incoming.on("error", reject);
          incoming.on("end", () =>
            resolve({ status: incoming.statusCode ?? 0, text: Buffer.concat(chunks).toString("utf8") }),
          );
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }
}

function serviceError(operation: string, status: number, text: string): LocalStackError {
  let code = String(status);
  let message = text;
  try {
    const body = JSON.parse(text) as { readonly __type?: unknown; readonly message?: unknown };
    if (typeof body.__type === "string") code = body.__type.split("#").at(-1) ?? code;
    if (typeof body.message === "string") message = body.message;
  } catch {
    // Not JSON: the text itself says more than a parse error would.
  }
  return new LocalStackError(code, `${operation}: ${message}`);
}
