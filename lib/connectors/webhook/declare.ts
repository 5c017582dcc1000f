import { definitionError } from "../../errors.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { toMillis, type Duration } from "../../time/duration.ts";
import { declareRows, textFrom, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink a webhook. */
export const WEBHOOK = "webhook";

const DEFAULT_BYTES = 256 * 1_024;
const MOST_BYTES = 5 * 1_024 * 1_024;
const MOST_REQUESTS = 64;

/** What an answer's status means for its row. */
export type Verdict = "taken" | "refused" | "later";

export interface WebhookDeclaration extends SinkDeclaration {
  readonly method: "POST" | "PUT";
  readonly concurrency: number;
  /** Of one request, in milliseconds. */
  readonly timeout: number;
  readonly verdicts: ReadonlyMap<number, Verdict>;
}

export interface WebhookOptions<R> {
  /** @default "POST" */
  readonly method?: "POST" | "PUT";
  /** Requests at a time, of each task, 1 to 64. @default 4 */
  readonly concurrency?: number;
  /** How long one request may take, to 60 seconds. @default 10 seconds */
  readonly timeout?: Duration;
  /** What one request's body may take, in bytes: 1,024 to 5 MiB. @default 256 KiB */
  readonly maxBytes?: number;
  /** Rows of one text keep their order: one is sent when the one before it was taken. @default none do */
  readonly orderBy?: (row: R) => string;
  /**
   * What statuses mean that mean something else there. `later` is tried again, `refused` becomes a dead letter.
   *
   * @default 2xx is taken; 4xx is refused, but for 401 and 403, which are not the row's fault, and 408, 425 and 429; all
   *   else is later
   */
  readonly statuses?: Readonly<Partial<Record<Verdict, readonly number[]>>>;
}

/**
 * An HTTP endpoint, of one request with one row's JSON each. Its `idempotency-key` is the output id, the same however often the
 * row is sent. Where the endpoint is, and what requests are signed with, the construct's `webhooks` say.
 *
 * @example
 * const closings = webhook("closings", { shop: text, at: timestamp }, { orderBy: (row) => row.shop });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`, `sink/webhook`
 */
export function webhook<S extends RowShape>(
  name: string,
  shape: S,
  options: WebhookOptions<RowFor<S>> = {},
): Sink<RowFor<S>> & WebhookDeclaration {
  const what = `${WEBHOOK}("${name}")`;
  const {
    method = "POST",
    concurrency = 4,
    timeout = { seconds: 10 },
    maxBytes = DEFAULT_BYTES,
    statuses = {},
  } = options;
  const within = (field: string, value: number, least: number, most: number) => {
    if (Number.isSafeInteger(value) && value >= least && value <= most) return value;
    throw definitionError({
      code: "sink/webhook",
      message: `${what}.${field} is ${value}.`,
      advice: `Possible is ${least} to ${most}.`,
    });
  };
  const orderBy = options.orderBy as ((row: never) => unknown) | undefined;
  const verdicts = Object.entries(statuses).flatMap(([verdict, all = []]) =>
    all.map((status) => [within(`statuses.${verdict}`, status, 200, 599), verdict as Verdict] as const),
  );
  return {
    ...declareRows({
      connector: WEBHOOK,
      name,
      shape,
      maxBytes: within("maxBytes", maxBytes, 1_024, MOST_BYTES),
      headOf: orderBy && ((row: never) => ({ lane: textFrom(what, "orderBy", orderBy(row)) })),
    }),
    method,
    concurrency: within("concurrency", concurrency, 1, MOST_REQUESTS),
    timeout: within("timeout", toMillis(timeout, `${what}.timeout`), 1, 60_000),
    verdicts: new Map(verdicts),
  };
}
