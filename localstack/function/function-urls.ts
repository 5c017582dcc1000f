import { randomUUID } from "node:crypto";
import { LocalStackError } from "../errors.ts";
import type { GatewayAnswer, GatewayRequest, Outcome } from "../gateway/exchange.ts";
import { listen } from "../gateway/listener.ts";
import { functionNameOf } from "../template/identities.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import type { FunctionHost } from "./function-host.ts";

/** The functions of the templates that have a URL. Who may call it is not looked at. */
export interface FunctionUrls {
  /** @throws LocalStackError for a function that has none */
  of(functionName: string): string;
  close(): Promise<void>;
}

/** What Lambda takes of a request: 6 MB. */
const MAX_BYTES = 6 * 1_024 * 1_024;

/** Listens for them on a port of 127.0.0.1; the path begins with the function's name. */
export async function openFunctionUrls(
  resources: readonly ResolvedResource[],
  hosts: ReadonlyMap<string, FunctionHost>,
): Promise<FunctionUrls> {
  const names = new Set(resources.map(({ properties }) => functionNameOf(String(properties["TargetFunctionArn"]))));
  const listener = await listen(async (request) => {
    const [, name = "", ...rest] = request.path.split("/");
    const host = names.has(name) ? hosts.get(name) : undefined;
    if (host === undefined) return json(404, { Message: "Not Found" });
    if (request.body.length > MAX_BYTES) return json(413, { Message: "Request Entity Too Large" });
    const outcome = await host.invoke(Buffer.from(JSON.stringify(eventOf(request, `/${rest.join("/")}`))));
    return outcome.ok ? answerOf(outcome.answer) : json(502, { Message: "Internal Server Error" });
  });
  return {
    of: (functionName) => {
      const name = functionNameOf(functionName);
      if (names.has(name)) return `http://127.0.0.1:${listener.port}/${name}/`;
      throw new LocalStackError("ResourceNotFoundException", `The function ${name} has no URL.`);
    },
    close: () => listener.close(),
  };
}

/** A request as functions get it (AWS: Lambda developer guide, payload format 2.0). */
function eventOf({ method, headers, body }: GatewayRequest, pathAndQuery: string): object {
  const [rawPath = "/", rawQueryString = ""] = pathAndQuery.split("?");
  const isText = /^(application\/(json|.*xml|javascript)|text\/)/.test(String(headers["content-type"] ?? ""));
  return {
    version: "2.0",
    routeKey: "$default",
    rawPath,
    rawQueryString,
    headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value].flat().join(",")])),
    requestContext: {
      accountId: "anonymous",
      apiId: "local",
      http: {
        method,
        path: rawPath,
        protocol: "HTTP/1.1",
        sourceIp: "127.0.0.1",
        userAgent: headers["user-agent"] ?? "",
      },
      requestId: randomUUID(),
      routeKey: "$default",
      stage: "$default",
    },
    ...(body.length > 0 && { body: body.toString(isText ? "utf8" : "base64") }),
    isBase64Encoded: body.length > 0 && !isText,
  };
}

interface Answered {
  readonly statusCode?: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly isBase64Encoded?: boolean;
}

function answerOf(answer: unknown): Outcome {
  const { statusCode, headers = {}, body = "", isBase64Encoded } = (answer ?? {}) as Answered;
  if (statusCode === undefined) return json(200, answer);
  return { status: statusCode, headers, body: Buffer.from(body, isBase64Encoded === true ? "base64" : "utf8") };
}

const json = (status: number, body: unknown): GatewayAnswer => ({
  status,
  headers: { "content-type": "application/json" },
  body: Buffer.from(JSON.stringify(body)),
});
