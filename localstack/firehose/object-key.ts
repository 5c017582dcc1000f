import { randomUUID } from "node:crypto";
import { LocalStackError } from "../errors.ts";
import { formatTime } from "./time-patterns.ts";

/** The namespace of what a query found in a row. */
const partitionKeyFromQuery = "partitionKeyFromQuery";

const expression = /!\{([^}:]+):([^}]*)\}/g;

/** Why records end below the error prefix: a part of their keys. */
export type ErrorOutput =
  "format-conversion-failed" | "processing-failed" | "activePartitionExceeded" | "iceberg-failed";

export interface Prefixes {
  readonly prefix: string;
  readonly errorPrefix: string | undefined;
}

/** Refuses prefixes that Firehose would not take. */
export function checkPrefixes(
  logicalId: string,
  { prefix, errorPrefix }: Prefixes,
  partitionKeys: readonly string[] = [],
): void {
  const refuse = (why: string) => new LocalStackError("InvalidArgumentException", `${logicalId}: ${why}`);
  for (const [, namespace = "", value = ""] of `${prefix}${errorPrefix ?? ""}`.matchAll(expression)) {
    if (
      namespace === "timestamp" ||
      (namespace === "firehose" && ["error-output-type", "random-string"].includes(value)) ||
      (namespace === partitionKeyFromQuery && partitionKeys.includes(value))
    )
      continue;
    throw refuse(`the prefix expression !{${namespace}:${value}} is not evaluated by the local stack`);
  }
  const unused = partitionKeys.find((key) => !prefix.includes(`!{${partitionKeyFromQuery}:${key}}`));
  if (unused !== undefined) throw refuse(`Prefix does not use the partition key ${unused}`);
  if (errorPrefix?.includes(partitionKeyFromQuery) === true)
    throw refuse("ErrorOutputPrefix cannot use partition keys");
  if (prefix.includes("!{firehose:error-output-type}")) {
    throw refuse("Prefix cannot contain !{firehose:error-output-type}");
  }
  const usesExpressions = prefix.includes("!{");
  if (usesExpressions && errorPrefix === undefined) {
    throw refuse("ErrorOutputPrefix must be given when Prefix contains expressions");
  }
  if (errorPrefix?.includes("!{") === true && !errorPrefix.includes("!{firehose:error-output-type}")) {
    throw refuse("ErrorOutputPrefix must contain !{firehose:error-output-type}");
  }
}

/** The prefixes of one partition's objects. */
export const partitionPrefixes = (prefixes: Prefixes, values: Readonly<Record<string, string>>): Prefixes => ({
  ...prefixes,
  prefix: prefixes.prefix.replace(expression, (whole, namespace: string, key: string) =>
    namespace === partitionKeyFromQuery ? (values[key] ?? whole) : whole,
  ),
});

/** A new object's key; `arrivalMillis` is when the oldest record in it arrived. */
export function deliveryKey(stream: string, prefixes: Prefixes, extension: string, arrivalMillis: number): string {
  return `${evaluate(prefixes.prefix, arrivalMillis, "")}${objectName(stream, arrivalMillis)}${extension}`;
}

/** The key of an object of records that could not be delivered. */
export function failureKey(
  stream: string,
  { prefix, errorPrefix }: Prefixes,
  arrivalMillis: number,
  error: ErrorOutput = "format-conversion-failed",
): string {
  const pattern = errorPrefix ?? prefix;
  const whole = pattern.includes("!{firehose:error-output-type}")
    ? pattern
    : `${pattern}!{firehose:error-output-type}/`;
  return evaluate(whole, arrivalMillis, error) + objectName(stream, arrivalMillis);
}

/** Without a timestamp of its own a prefix gets `yyyy/MM/dd/HH/` appended. */
function evaluate(pattern: string, millis: number, errorType: string): string {
  const dated = pattern.includes("!{timestamp:") ? pattern : `${pattern}!{timestamp:yyyy/MM/dd/HH}/`;
  return dated.replace(expression, (_match, namespace: string, value: string) => {
    if (namespace === "timestamp") return formatTime(value, millis);
    return value === "random-string" ? randomUUID().replaceAll("-", "").slice(0, 11) : errorType;
  });
}

function objectName(stream: string, millis: number): string {
  return `${stream}-1-${formatTime("yyyy-MM-dd-HH-mm-ss", millis)}-${randomUUID()}`;
}
