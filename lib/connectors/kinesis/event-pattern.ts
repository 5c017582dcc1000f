import { SHARD_ID } from "./shard-records.ts";

/** A record as Lambda has it in an event, with whatever else is in it. */
export interface KinesisRecord {
  readonly kinesis: object;
  readonly eventSourceARN?: unknown;
}

/** What differs from record to record. */
type Value = "partitionKey" | "sequence" | "base64" | "seconds" | "shard";

/** What records of a stream have in common, and where they differ. */
export interface EventPattern {
  /** How events of such records begin. */
  readonly begins: string;
  /** Matches a record from `{` to `}`: then nothing else is in it. */
  readonly record: RegExp;
  /** Which of its groups is a value. */
  readonly group: Readonly<Record<Value, number>>;
  /** A record whose values are blank. */
  readonly like: KinesisRecord;
}

export const OPENS = '{"Records":[';

/** A record with a longer pattern is none of Lambda's. */
const LONGEST = 8_192;

/** A text without escapes. (Those of Kinesis have no others in them.) */
const TEXT = String.raw`[^"\\\x00-\x1f]*`;

/** A partition key has quotation marks where a key has several fields. It has 256 characters at the most. */
const KEY = String.raw`${TEXT}(?:\\["\\/]${TEXT}){0,256}`;

const SEQUENCE = String.raw`0|[1-9]\d{0,128}`;

/** Seconds with so many digits are a time, and whole milliseconds. */
const SECONDS = String.raw`(?:0|[1-9]\d{0,11})(?:\.\d{1,3})?`;

/**
 * The pattern of the records that have all but these values in common with one. Nothing for one that has not all of them, or
 * something else than texts, numbers and the like beside them.
 */
export function patternOf(record: KinesisRecord): EventPattern | undefined {
  const values: Value[] = [];
  const patterns: string[] = [];
  /** What stands before each of the patterns and, in the end, after the last. */
  const literals = [""];
  const put = (text: string): void => void (literals[literals.length - 1] += text);
  const group = (value: Value, pattern: string): void => {
    const before = values.indexOf(value);
    patterns.push(before < 0 ? `(${pattern})` : `\\${before + 1}`);
    if (before < 0) values.push(value);
    literals.push("");
  };
  const quoted = (...parts: readonly (() => void)[]) => {
    put('"');
    for (const part of parts) part();
    put('"');
  };
  const sequence = () => group("sequence", SEQUENCE);
  const groups = new Map<string, () => void>([
    ["kinesis partitionKey", () => quoted(() => group("partitionKey", KEY))],
    ["kinesis sequenceNumber", () => quoted(sequence)],
    ["kinesis data", () => quoted(() => group("base64", TEXT))],
    ["kinesis approximateArrivalTimestamp", () => group("seconds", SECONDS)],
    [
      "record eventID",
      () =>
        quoted(
          () => group("shard", SHARD_ID),
          () => put(":"),
          sequence,
        ),
    ],
  ]);
  /** @returns whether all of it is as it should be */
  const object = (of: "record" | "kinesis", fields: object): boolean => {
    const areFit = Object.entries(fields).map(([name, value]: [string, unknown], i) => {
      put(`${i === 0 ? "{" : ","}${JSON.stringify(name)}:`);
      const putGroups = groups.get(`${of} ${name}`);
      if (putGroups !== undefined) putGroups();
      else if (of === "record" && name === "kinesis") return object("kinesis", value as object);
      else if (isPlain(value)) put(JSON.stringify(value));
      else return false;
      return true;
    });
    put("}");
    return !areFit.includes(false);
  };
  const isFit = object("record", record) && values.length === 5;
  const source = literals.map((literal, i) => escaped(literal) + (patterns[i] ?? "")).join("");
  if (!isFit || source.length > LONGEST) return undefined;
  const of = (value: Value) => values.indexOf(value) + 1;
  return {
    begins: OPENS + literals[0]!,
    record: new RegExp(source, "y"),
    group: {
      ...{ partitionKey: of("partitionKey"), sequence: of("sequence"), base64: of("base64") },
      ...{ seconds: of("seconds"), shard: of("shard") },
    },
    like: recordLike(record, { partitionKey: "", sequence: "", base64: "", seconds: 0, shard: "" }),
  };
}

/** A record that is like another but for its values. */
export const recordLike = (
  like: KinesisRecord,
  { partitionKey, sequence, base64, seconds, shard }: Readonly<Record<Value, unknown>>,
): KinesisRecord => ({
  ...like,
  ...{ eventID: `${String(shard)}:${String(sequence)}` },
  kinesis: {
    ...like.kinesis,
    ...{ partitionKey, sequenceNumber: sequence, data: base64, approximateArrivalTimestamp: seconds },
  },
});

/** What JSON has one text for: −0 it has not. */
const isPlain = (value: unknown): boolean =>
  value === null ||
  typeof value === "string" ||
  typeof value === "boolean" ||
  (Number.isFinite(value) && !Object.is(value, -0));

const escaped = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);
