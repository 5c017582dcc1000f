import { isSystemic, MillraceError } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import { partitionKeyOf } from "../../state/key.ts";
import { kinesisDecoder } from "../kinesis/decode.ts";
import { putInOrder, type IngestRecord, type Put, type PutSettings } from "./put.ts";
import { eventsOf, type Candidate, type IngestLimits, type IngestRequest } from "./request.ts";

/** What one event may take, in bytes, its partition key included (AWS: Kinesis API reference, PutRecords). */
const MAX_EVENT_BYTES = 1_024 * 1_024;
/** What Kinesis takes for a partition key, in characters. */
const MAX_KEY = 256;
/** Fields that an answer names of one event. */
const MAX_FIELDS = 10;
/** What is taken of an `idempotency-key`, in characters. */
const MAX_IDEMPOTENCY_KEY = 200;

export interface IngestSettings extends IngestLimits, PutSettings {
  readonly source: SourceDeclaration;
  /** The field of an event that a request's `idempotency-key` is written into; none to leave it out of consideration. */
  readonly idempotencyField: string | undefined;
  readonly now: () => number;
  readonly newId: () => string;
}

/** What became of one event: where it lies, or why it does not. */
export interface EventResult {
  readonly index: number;
  readonly status: 202 | 400 | 413 | 429 | 503;
  /** `shard:sequence number`, of those that were taken. */
  readonly id?: string;
  readonly error?: { readonly code: string; readonly message: string; readonly fields?: readonly FieldError[] };
}

export interface FieldError {
  /** As `items.0.price`; empty for the event itself. */
  readonly field: string;
  readonly message: string;
}

export interface IngestAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: object;
}

/** Takes events of requests into a source's stream: each is checked as whoever reads it will, and has its key's partition key. */
export class Ingest {
  readonly #settings: IngestSettings;
  readonly #decode: ReturnType<typeof kinesisDecoder>;

  constructor(settings: IngestSettings) {
    this.#settings = settings;
    this.#decode = kinesisDecoder(settings.source);
  }

  /** @throws systemic errors: a schema that answers asynchronously */
  async handle(request: IngestRequest): Promise<IngestAnswer> {
    const found = eventsOf(request, this.#settings);
    if ("status" in found) {
      const { status, ...error } = found;
      return answer(status, { error }, status === 405 ? { allow: "POST" } : {});
    }
    const idempotency = this.#idempotencyOf(request);
    if (typeof idempotency === "object") return answer(400, { error: idempotency });
    const checked = found.map((candidate, index) =>
      this.#checked(candidate, idempotency === undefined ? undefined : keyOfEvent(idempotency, index, found.length)),
    );
    const records = checked.filter((one): one is IngestRecord => "data" in one);
    const puts = records.length === 0 ? [] : await putInOrder(records, this.#settings);
    let next = 0;
    const results = checked.map((one, index): EventResult => ({
      index,
      ...("data" in one ? resultOf(puts[next++]!) : one),
    }));
    return this.#answerTo(results, idempotency);
  }

  #answerTo(results: readonly EventResult[], idempotency: string | undefined): IngestAnswer {
    const statuses = new Set(results.map(({ status }) => status));
    const status = statuses.size === 1 ? [...statuses][0]! : 207;
    const accepted = results.filter((one) => one.status === 202).length;
    return answer(
      status,
      { accepted, results },
      {
        ...((statuses.has(429) || statuses.has(503)) && { "retry-after": "1" }),
        ...(idempotency !== undefined && { "idempotency-key": idempotency }),
      },
    );
  }

  /** The request's key, where there is one that is kept; or what is wrong with it. */
  #idempotencyOf({ headers }: IngestRequest): string | undefined | { readonly code: string; readonly message: string } {
    const key = headers["idempotency-key"];
    if (this.#settings.idempotencyField === undefined || key === undefined) return undefined;
    if (key.length >= 1 && key.length <= MAX_IDEMPOTENCY_KEY) return key;
    return {
      code: "ingest/idempotency-key",
      message: `An idempotency-key has 1 to ${MAX_IDEMPOTENCY_KEY} characters.`,
    };
  }

  #checked(candidate: Candidate, idempotency: string | undefined): IngestRecord | Omit<EventResult, "index"> {
    if ("code" in candidate) return { status: 400, error: candidate };
    const { idempotencyField: field, now } = this.#settings;
    let { bytes, value } = candidate;
    if (field !== undefined && idempotency !== undefined && typeof value === "object" && value !== null) {
      const own = (value as Record<string, unknown>)[field];
      if (own !== undefined && own !== idempotency) {
        const message = `The event's "${field}" is not the request's idempotency-key.`;
        return { status: 400, error: { code: "ingest/idempotency-key", message, fields: [{ field, message }] } };
      }
      value = { ...value, [field]: idempotency };
      bytes = Buffer.from(JSON.stringify(value));
    }
    try {
      const position = { sequence: "0", index: 0 };
      const { key } = this.#decode({ position, arrival: now(), partitionKey: undefined, base64: "", bytes });
      const partitionKey = this.#settings.source.keyFields.length === 0 ? this.#settings.newId() : partitionKeyOf(key);
      return recordOf(bytes, partitionKey);
    } catch (thrown) {
      if (isSystemic(thrown)) throw thrown;
      return { status: 400, error: this.#errorOf(thrown, value) };
    }
  }

  /** What is wrong, for who sent it. User code's own messages stay here: they may say anything. */
  #errorOf(thrown: unknown, value: unknown): NonNullable<EventResult["error"]> {
    if (!(thrown instanceof MillraceError))
      return { code: "ingest/event", message: "The event's key or time cannot be told." };
    const { code, message } = thrown;
    if (code !== "schema/mismatch") return { code, message };
    const result = this.#settings.source.schema["~standard"].validate(value);
    const issues = "issues" in result ? (result.issues ?? []) : [];
    return {
      code,
      message: "The event does not fit its schema.",
      fields: issues.slice(0, MAX_FIELDS).map((issue) => ({
        field: (issue.path ?? []).map((part) => String(typeof part === "object" ? part.key : part)).join("."),
        message: issue.message,
      })),
    };
  }
}

function recordOf(data: Buffer, partitionKey: string): IngestRecord | Omit<EventResult, "index"> {
  if (partitionKey === "" || partitionKey.length > MAX_KEY || !partitionKey.isWellFormed()) {
    const message = `The event's key has ${partitionKey.length} characters; 1 to ${MAX_KEY} are possible.`;
    return { status: 400, error: { code: "ingest/key", message } };
  }
  const bytes = data.length + Buffer.byteLength(partitionKey);
  if (bytes <= MAX_EVENT_BYTES) return { data, partitionKey };
  const message = `The event and its key have ${bytes} bytes; ${MAX_EVENT_BYTES} are possible.`;
  return { status: 413, error: { code: "ingest/too-large", message } };
}

function resultOf(put: Put): Omit<EventResult, "index"> {
  switch (put.kind) {
    case "taken":
      return { status: 202, id: `${put.shard}:${put.sequence}` };
    case "throttled":
      return {
        status: 429,
        error: { code: "ingest/throttled", message: "The stream has no room: send it again later." },
      };
    case "unknown":
      return {
        status: 503,
        error: {
          code: "ingest/unknown",
          message: "It is not known whether the event was taken: sent again, it may be there twice.",
        },
      };
  }
}

/** One event of a request has the request's key; of several each has its own. */
const keyOfEvent = (key: string, index: number, count: number): string => (count === 1 ? key : `${key}#${index}`);

const answer = (status: number, body: object, headers: Readonly<Record<string, string>> = {}): IngestAnswer => ({
  status,
  headers: { "content-type": "application/json", "cache-control": "no-store", ...headers },
  body,
});
