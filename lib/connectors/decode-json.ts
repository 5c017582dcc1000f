import { poisonError } from "../errors.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordDecoder, Undecoded } from "../runtime/record.ts";
import { toEpochMillis } from "../time/instant.ts";
import { keyReader } from "./key-reader.ts";

const NO_KEY = Object.freeze({});

export interface JsonDecoding {
  /** What a record holds, as the schema has it. Throws poison errors. */
  readonly valueOf: (record: Undecoded) => unknown;
  /** Whether a record came where its key belongs. Throws a poison error. @param text the key's canonical text */
  readonly checkPlace: (record: Undecoded, text: string, keyFields: readonly string[]) => void;
}

/**
 * The decoder of a source of JSON records: payload, schema, event time, key, in this order. What fails one of them is
 * poison.
 */
export function jsonDecoder(source: SourceDeclaration, { valueOf, checkPlace }: JsonDecoding): RecordDecoder {
  const eventTime = source.eventTime as (value: unknown) => unknown;
  const keyOf = keyReader(source);
  return (record) => {
    const value = valueOf(record);
    const time = toEpochMillis(eventTime(value));
    if (time > record.arrival + source.maxFuture) {
      throw poisonError({
        code: "time/future",
        message: `The event time is more than ${source.maxFuture} ms ahead of the record's arrival.`,
      });
    }
    if (keyOf === undefined) return { value, time, key: NO_KEY, keyCode: "" };
    const { key, keyCode, text } = keyOf(value);
    checkPlace(record, text, source.keyFields);
    return { value, time, key, keyCode };
  };
}
