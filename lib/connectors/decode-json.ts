import { poisonError } from "../errors.ts";
import { JsonError, parseJson } from "../formats/json.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordDecoder, Undecoded } from "../runtime/record.ts";
import { validate } from "../schema.ts";
import { encodeKey, partitionKeyOf, type KeyValue } from "../state/key.ts";
import { toEpochMillis } from "../time/instant.ts";

const NO_KEY = { key: {}, keyCode: "" };

export interface JsonDecoding {
  /** What the schema is given. Throws poison errors. */
  readonly jsonOf: (record: Undecoded) => unknown;
  /** Whether a record came where its key belongs. Throws a poison error. @param text the key's canonical text */
  readonly checkPlace: (record: Undecoded, text: string, keyFields: readonly string[]) => void;
}

/**
 * The decoder of a source of JSON records: payload, schema, event time, key, in this order. What fails one of them is
 * poison.
 */
export function jsonDecoder(source: SourceDeclaration, { jsonOf, checkPlace }: JsonDecoding): RecordDecoder {
  const eventTime = source.eventTime as (value: unknown) => unknown;
  const keyOf = Object.entries(source.key) as [string, (value: unknown) => KeyValue][];
  return (record) => {
    const value = validate(source.schema, jsonOf(record));
    const time = toEpochMillis(eventTime(value));
    if (time > record.arrival + source.maxFuture) {
      throw poisonError({
        code: "time/future",
        message: `The event time is more than ${source.maxFuture} ms ahead of the record's arrival.`,
      });
    }
    if (keyOf.length === 0) return { value, time, ...NO_KEY };
    const key: Record<string, KeyValue> = {};
    for (const [field, take] of keyOf) key[field] = take(value);
    const keyCode = encodeKey(key);
    checkPlace(record, partitionKeyOf(key), source.keyFields);
    return { value, time, key, keyCode };
  };
}

/** JSON of a payload. @throws poison errors of JSON */
export function jsonIn(bytes: Buffer): unknown {
  try {
    return parseJson(bytes);
  } catch (thrown) {
    if (thrown instanceof JsonError) throw poisonError({ code: thrown.code, message: thrown.message });
    throw thrown;
  }
}
