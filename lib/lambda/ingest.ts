import { KinesisClient } from "@aws-sdk/client-kinesis";
import type { APIGatewayProxyEventV2, APIGatewayProxyStructuredResultV2 } from "aws-lambda";
import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { Ingest } from "../connectors/http-ingest/ingest.ts";
import { KINESIS } from "../connectors/kinesis/declare.ts";
import { definitionError, kindAtService, messageOf, MillraceError, systemicError } from "../errors.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { awsClients } from "./clients.ts";

/** The environment variable that names the stream, by the construct. */
export const INGEST_VARIABLE = "MILLRACE_INGEST";

export interface IngestOptions {
  /**
   * The field of an event that a request's `idempotency-key` is written into, for the pipeline to `deduplicate` by: with `#0`,
   * `#1` … behind it where a request has several events. The stream itself drops nothing.
   *
   * @default the header is not looked at
   */
  readonly idempotencyField?: string;
  /** What a request's body may have, in bytes: 1 to 4 MiB. @default 1 MiB */
  readonly maxBytes?: number;
  /** Events of one request, 1 to 500. @default 500 */
  readonly maxEvents?: number;
}

export type IngestHandler = (event: APIGatewayProxyEventV2) => Promise<APIGatewayProxyStructuredResultV2>;

/** How long a stream without room is waited for, in milliseconds. */
const PATIENCE = 1_000;
const MEBIBYTE = 1_024 * 1_024;

/**
 * The Lambda handler that takes events by HTTP into a Kinesis source's stream, of a function URL or an HTTP API. Each event is
 * checked as the pipeline will check it.
 *
 * @example
 * export const handler = ingestHandler(departures);
 *
 * @throws definition errors `ingest/source`, `ingest/limit`
 */
export function ingestHandler(source: SourceDeclaration, options: IngestOptions = {}): IngestHandler {
  if (source.connector !== KINESIS) {
    throw definitionError({
      code: "ingest/source",
      message: `The source "${source.name}" is of ${source.connector}.`,
      advice: "Events are put into Kinesis streams.",
    });
  }
  const maxBytes = within("maxBytes", options.maxBytes ?? MEBIBYTE, 4 * MEBIBYTE);
  const maxEvents = within("maxEvents", options.maxEvents ?? 500, 500);
  let ingest: Ingest | undefined;
  const made = () =>
    (ingest ??= new Ingest({
      source,
      client: awsClients().of(KinesisClient),
      stream: streamOf(source),
      idempotencyField: options.idempotencyField,
      maxBytes,
      maxEvents,
      patience: PATIENCE,
      now: Date.now,
      newId: randomUUID,
      wait: (millis) => setTimeout(millis),
    }));
  return async ({ requestContext, headers, body = "", isBase64Encoded }) => {
    try {
      const answer = await made().handle({
        method: requestContext.http.method,
        headers: Object.fromEntries(Object.entries(headers).map(([name, value]) => [name.toLowerCase(), value])),
        body: Buffer.from(body, isBase64Encoded ? "base64" : "utf8"),
      });
      return { statusCode: answer.status, headers: { ...answer.headers }, body: JSON.stringify(answer.body) };
    } catch (thrown) {
      // One line, without the event: what it is about is the deployment.
      const code = thrown instanceof MillraceError ? thrown.code : "ingest/failed";
      console.error(JSON.stringify({ level: "ERROR", code, kind: kindAtService(thrown), message: messageOf(thrown) }));
      return {
        statusCode: 500,
        headers: { "content-type": "application/json" },
        body: JSON.stringify({ error: { code: "ingest/failed", message: "The request cannot be handled." } }),
      };
    }
  };
}

function within(field: string, value: number, most: number): number {
  if (Number.isSafeInteger(value) && value >= 1 && value <= most) return value;
  const message = `ingestHandler: ${field} is ${value}; possible is 1 to ${most}.`;
  throw definitionError({ code: "ingest/limit", message });
}

/** @throws systemic error `ingest/bindings` */
function streamOf({ name }: SourceDeclaration): string {
  const { source, stream } = JSON.parse(process.env[INGEST_VARIABLE] ?? "{}") as { source?: string; stream?: string };
  if (source === name && stream !== undefined) return stream;
  throw systemicError({
    code: "ingest/bindings",
    message: `The variable ${INGEST_VARIABLE} has no stream of the source "${name}".`,
    advice: "It is set by the construct HttpIngest; deploy the function with it.",
  });
}
