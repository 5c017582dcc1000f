import { definitionError } from "../../lib/errors.ts";

/** A record that Firehose could not write. */
export interface FailedRecord {
  /** As it was put: rows, one a line. */
  readonly data: Buffer;
  readonly code: string;
  readonly reason: string;
}

/** Longer than a record of 1,000 KiB in base64, and what stands beside it. */
const MAX_LINE_BYTES = 4 * 1_024 * 1_024;

/**
 * The records of an error object, which has one JSON document a line.
 *
 * @throws definition error `error-rows/unreadable` for what is none of Firehose's
 */
export async function* recordsIn(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<FailedRecord> {
  let number = 0;
  for await (const line of linesOf(key, body)) {
    number += 1;
    if (line.trim() !== "") yield recordOf(line) ?? unreadable(key, `line ${number} has no record`);
  }
}

function recordOf(line: string): FailedRecord | undefined {
  let document: unknown;
  try {
    document = JSON.parse(line);
  } catch {
    return undefined;
  }
  if (typeof document !== "object" || document === null) return undefined;
  const { rawData, lastErrorCode, lastErrorMessage, ...other } = document as Readonly<Record<string, unknown>>;
  if (typeof rawData !== "string" || rawData === "") return undefined;
  const text = (value: unknown) => (typeof value === "string" ? value : "");
  return {
    data: Buffer.from(rawData, "base64"),
    code: text(lastErrorCode ?? other["errorCode"]),
    reason: text(lastErrorMessage ?? other["errorMessage"]),
  };
}

async function* linesOf(key: string, body: AsyncIterable<Uint8Array>): AsyncGenerator<string> {
  let parts: Buffer[] = [];
  let held = 0;
  const hold = (part: Buffer) => {
    held += part.length;
    if (held > MAX_LINE_BYTES) unreadable(key, `a line is longer than ${MAX_LINE_BYTES} bytes`);
    if (part.length > 0) parts.push(part);
  };
  const take = () => {
    const line = Buffer.concat(parts).toString("utf8");
    parts = [];
    held = 0;
    return line;
  };
  for await (const chunk of body) {
    const bytes = Buffer.from(chunk);
    let from = 0;
    for (let end = bytes.indexOf(10); end >= 0; end = bytes.indexOf(10, from)) {
      hold(bytes.subarray(from, end));
      from = end + 1;
      yield take();
    }
    hold(bytes.subarray(from));
  }
  if (held > 0) yield take();
}

function unreadable(key: string, problem: string): never {
  throw definitionError({
    code: "error-rows/unreadable",
    message: `${key} is no error object of Firehose's: ${problem}.`,
    advice: "It was left where it is. Look at it, and move it out of the error prefix.",
  });
}
