import { JsonError, parseJson } from "../../formats/json.ts";

/** A request as it came. */
export interface IngestRequest {
  readonly method: string;
  /** By lower-case names. */
  readonly headers: Readonly<Record<string, string | undefined>>;
  readonly body: Buffer;
}

export interface IngestLimits {
  /** Of a request's body, in bytes. */
  readonly maxBytes: number;
  /** Events of one request. */
  readonly maxEvents: number;
}

/** An event of a request, or what is wrong with it. */
export type Candidate =
  { readonly bytes: Buffer; readonly value: unknown } | { readonly code: string; readonly message: string };

/** Why a whole request is not taken. */
export interface Rejection {
  readonly status: 400 | 405 | 413 | 415;
  readonly code: string;
  readonly message: string;
}

const JSON_TYPE = "application/json";
const LINE_TYPES: ReadonlySet<string> = new Set(["application/x-ndjson", "application/ndjson", "application/jsonl"]);
const NEWLINE = 0x0a;

/** The events of a request: of JSON one, or an array of them; of NDJSON one a line. Each is what will be put, byte by byte. */
export function eventsOf(request: IngestRequest, limits: IngestLimits): readonly Candidate[] | Rejection {
  const { method, headers, body } = request;
  const reject = (status: Rejection["status"], code: string, message: string): Rejection => ({ status, code, message });
  if (method !== "POST") return reject(405, "ingest/method", "Events are sent by POST.");
  const [type = "", ...parameters] = (headers["content-type"] ?? "")
    .toLowerCase()
    .split(";")
    .map((part) => part.trim());
  const charset =
    parameters
      .find((one) => one.startsWith("charset="))
      ?.slice(8)
      .replaceAll('"', "") ?? "utf-8";
  const encoding = headers["content-encoding"] ?? "identity";
  const isLines = LINE_TYPES.has(type);
  if ((type !== JSON_TYPE && !isLines) || charset !== "utf-8" || encoding !== "identity") {
    return reject(
      415,
      "ingest/content-type",
      `Events are ${JSON_TYPE} or application/x-ndjson, in UTF-8, not compressed.`,
    );
  }
  if (body.length > limits.maxBytes) {
    return reject(413, "ingest/too-large", `A request has ${limits.maxBytes} bytes at most, and not ${body.length}.`);
  }
  const found = isLines ? linesOf(body) : arrayOf(body);
  if ("status" in found) return found;
  if (found.length === 0) return reject(400, "ingest/empty", "The request has no event.");
  if (found.length <= limits.maxEvents) return found;
  return reject(413, "ingest/too-many", `A request has ${limits.maxEvents} events at most, and not ${found.length}.`);
}

function linesOf(body: Buffer): readonly Candidate[] {
  const candidates: Candidate[] = [];
  for (let from = 0; from < body.length;) {
    const at = body.indexOf(NEWLINE, from);
    const end = at < 0 ? body.length : at;
    const line = trimmed(body.subarray(from, end));
    if (line.length > 0) candidates.push(parsed(line));
    from = end + 1;
  }
  return candidates;
}

function arrayOf(body: Buffer): readonly Candidate[] | Rejection {
  const whole = parsed(body);
  if ("code" in whole) return { status: 400, ...whole };
  if (!Array.isArray(whole.value)) return [whole];
  return whole.value.map((value: unknown) => ({ bytes: Buffer.from(JSON.stringify(value)), value }));
}

function parsed(bytes: Buffer): Candidate {
  try {
    return { bytes, value: parseJson(bytes) };
  } catch (thrown) {
    if (thrown instanceof JsonError) return { code: thrown.code, message: thrown.message };
    throw thrown;
  }
}

/** Without a carriage return at its end, and what else JSON takes for space. */
function trimmed(line: Buffer): Buffer {
  let [start, end] = [0, line.length];
  while (start < end && line[start]! <= 0x20) start++;
  while (end > start && line[end - 1]! <= 0x20) end--;
  return line.subarray(start, end);
}
