import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { viewClient, type ViewClient } from "../connectors/view/client.ts";
import type { ViewOf } from "../connectors/view/declare.ts";
import type { Row, ViewColumn } from "../connectors/view/row.ts";
import { MillraceError, poisonError, systemicError } from "../errors.ts";
import { awsClients } from "./clients.ts";

/** The environment variable that names the view's table. */
export const VIEW_TABLE_VARIABLE = "MILLRACE_VIEW_TABLE";

type Request = Pick<APIGatewayProxyEventV2, "rawPath" | "queryStringParameters"> & {
  readonly requestContext: { readonly http: { readonly method: string } };
};

export type ViewQueryHandler = (event: Request) => Promise<APIGatewayProxyStructuredResultV2>;

export interface ViewQueryOptions {
  /** @default of the environment */
  readonly client?: DynamoDBClient;
  /** @default the environment's MILLRACE_VIEW_TABLE */
  readonly tableName?: string;
  /** What is not answered is told here: no payloads. @default to the log */
  readonly onError?: (error: unknown) => void;
}

/**
 * Answers queries of a view over HTTP, in JSON; its function is behind a function URL or an HTTP API.
 *
 * - `GET /{key}` gives `{ row, asOf }`, or 404. Of a view whose key has two fields, `GET /{first}/{second}`.
 * - `GET /{first}` of such a view gives a page `{ rows, cursor }`: `?limit=` `&cursor=` `&order=desc` `&from=` `&to=`.
 * - `?consistent=true` sees whatever was put before.
 *
 * Whole numbers beyond 2^53 are texts. What is wrong with a request is 400, with a code; 429 says to come again.
 */
export function viewQueryHandler<R, K>(view: ViewOf<R, K>, options: ViewQueryOptions = {}): ViewQueryHandler {
  let made: ViewClient<R, K> | undefined;
  const client = () =>
    (made ??= viewClient(view, {
      client: options.client ?? awsClients().of(DynamoDBClient),
      tableName: options.tableName ?? tableName(),
    }));
  return async (event) => {
    try {
      const { method } = event.requestContext.http;
      if (method !== "GET") return answer(405, error("http/method", "Only GET is answered."), { allow: "GET" });
      return await answerOf(client(), view.key, event);
    } catch (thrown) {
      if (thrown instanceof MillraceError && thrown.kind === "poison")
        return answer(400, error(thrown.code, thrown.message));
      if (isThrottle(thrown)) return answer(429, error("http/busy", "Come again."), { "retry-after": "1" });
      (options.onError ?? console.error)(thrown);
      return answer(500, error("http/failed", "The query could not be answered."));
    }
  };
}

async function answerOf<R, K>(
  client: ViewClient<R, K>,
  columns: readonly ViewColumn[],
  { rawPath, queryStringParameters: asked = {} }: Request,
): Promise<APIGatewayProxyStructuredResultV2> {
  const parts = partsOf(rawPath);
  const consistent = asked["consistent"] === "true";
  const key = Object.fromEntries(parts.slice(0, columns.length).map((part, i) => fieldOf(columns[i]!, part)));
  if (parts.length === columns.length) {
    const found = await client.get(key as K, { consistent });
    return found === undefined ? notFound() : answer(200, found);
  }
  const [, second] = columns;
  if (parts.length !== 1 || second === undefined) return notFound();
  const bound = (name: string) => {
    const text = asked[name];
    return text === undefined ? undefined : (fieldOf(second, text)[1] as K[keyof K]);
  };
  const page = await client.list(key as Partial<K>, {
    consistent,
    limit: asked["limit"] === undefined ? 100 : Number(asked["limit"]),
    cursor: asked["cursor"],
    descending: asked["order"] === "desc",
    from: bound("from"),
    to: bound("to"),
  });
  return answer(200, page);
}

/** @throws poison error `http/path` */
function partsOf(path: string): readonly string[] {
  try {
    return path.replace(/^\//, "").split("/").map(decodeURIComponent);
  } catch {
    throw poisonError({ code: "http/path", message: "The path is not encoded as a URL's." });
  }
}

/** A text of the URL as a key's field. */
function fieldOf({ field, type }: ViewColumn, text: string): readonly [string, Row[string]] {
  if (type === "string") return [field, text];
  if (/^-?\d{1,19}$/.test(text)) {
    const number = Number(text);
    return [field, type === "bigint" && !Number.isSafeInteger(number) ? BigInt(text) : number];
  }
  if (type === "double" && /^-?\d{1,20}(\.\d{1,20})?(e[+-]?\d{1,3})?$/i.test(text)) return [field, Number(text)];
  throw poisonError({ code: "http/key", message: `"${field}" is a number.` });
}

const THROTTLES: readonly unknown[] = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
];

const isThrottle = (thrown: unknown): boolean =>
  (thrown instanceof MillraceError && thrown.code === "view/throttled") ||
  THROTTLES.includes((thrown as { readonly name?: unknown } | undefined)?.name);

const error = (code: string, message: string) => ({ error: { code, message } });
const notFound = () => answer(404, error("http/not-found", "There is no such row."));

const answer = (
  statusCode: number,
  body: unknown,
  headers: Readonly<Record<string, string>> = {},
): APIGatewayProxyStructuredResultV2 => ({
  statusCode,
  headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  body: JSON.stringify(body, (_, value: unknown) => (typeof value === "bigint" ? String(value) : value)),
});

function tableName(): string {
  const name = process.env[VIEW_TABLE_VARIABLE];
  if (name !== undefined && name !== "") return name;
  throw systemicError({
    code: "bindings/invalid",
    message: `${VIEW_TABLE_VARIABLE} is not set.`,
    advice: "It is set by the construct ViewQuery.",
  });
}
