import { randomUUID } from "node:crypto";
import { LocalStackError } from "../errors.ts";
import { formatTime } from "./time-patterns.ts";

const expression = /!\{([^}:]+):([^}]*)\}/g;

export const conversionFailed = "format-conversion-failed";

export interface Prefixes {
  readonly prefix: string;
  readonly errorPrefix: string | undefined;
}

/** Refuses prefixes that Firehose would not take. */
export function checkPrefixes(logicalId: string, { prefix, errorPrefix }: Prefixes): void {
  const refuse = (why: string) => new LocalStackError("InvalidArgumentException", `${logicalId}: ${why}`);
  for (const [, namespace = "", value = ""] of `${prefix}${errorPrefix ?? ""}`.matchAll(expression)) {
    if (
      namespace === "timestamp" ||
      (namespace === "firehose" && ["error-output-type", "random-string"].includes(value))
    )
      continue;
    throw refuse(`the prefix expression !{${namespace}:${value}} is not evaluated by the local stack`);
  }
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

/** A new object's key; `arrivalMillis` is when the oldest record in it arrived. */
export function deliveryKey(stream: string, prefixes: Prefixes, extension: string, arrivalMillis: number): string {
  return `${evaluate(prefixes.prefix, arrivalMillis, "")}${objectName(stream, arrivalMillis)}${extension}`;
}

/** The key of an object of records that did not convert. */
export function failureKey(stream: string, { prefix, errorPrefix }: Prefixes, arrivalMillis: number): string {
  const pattern = errorPrefix ?? prefix;
  const whole = pattern.includes("!{firehose:error-output-type}")
    ? pattern
    : `${pattern}!{firehose:error-output-type}/`;
  return evaluate(whole, arrivalMillis, conversionFailed) + objectName(stream, arrivalMillis);
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
