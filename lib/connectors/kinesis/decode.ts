import { poisonError } from "../../errors.ts";
import { JsonError, parseJson } from "../../formats/json.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { RecordDecoder, RecordFormat } from "../../runtime/record.ts";
import { validate } from "../../schema.ts";
import { encodeKey, partitionKeyOf, type KeyValue } from "../../state/key.ts";
import { toEpochMillis } from "../../time/instant.ts";
import type { KinesisDeclaration } from "./declare.ts";
import { payloadOf } from "./payload.ts";
import { kinesisUnpack } from "./unpack.ts";

/** How records of a Kinesis source become values. */
export const kinesisFormat = (source: SourceDeclaration): RecordFormat => ({
  decode: kinesisDecoder(source),
  unpack: kinesisUnpack((source as KinesisDeclaration).compression),
});

const NO_KEY = { key: {}, keyCode: "" };

/**
 * The decoder of events of a Kinesis source: base64, UTF-8, JSON, schema, event time, key, in this order. What
 * fails one of them is poison.
 */
export function kinesisDecoder(source: SourceDeclaration): RecordDecoder {
  const eventTime = source.eventTime as (value: unknown) => unknown;
  const keyOf = Object.entries(source.key) as [string, (value: unknown) => KeyValue][];
  return ({ base64, bytes, arrival, partitionKey }) => {
    const value = validate(source.schema, jsonOf(bytes ?? payloadOf(base64)));
    const time = toEpochMillis(eventTime(value));
    if (time > arrival + source.maxFuture) {
      throw poisonError({
        code: "time/future",
        message: `The event time is more than ${source.maxFuture} ms ahead of the record's arrival.`,
      });
    }
    if (keyOf.length === 0) return { value, time, ...NO_KEY };
    const key: Record<string, KeyValue> = {};
    for (const [field, take] of keyOf) key[field] = take(value);
    const keyCode = encodeKey(key);
    if (partitionKey !== undefined && partitionKeyOf(key) !== partitionKey) {
      // Two keys of one partition key, or one key on two shards: its state would be torn apart.
      throw poisonError({
        code: "kinesis/partition-key",
        message: `The record's partition key is not that of its key (${Object.keys(key).join(", ")}).`,
        advice: "Producers use partitionKeyOf(key) as partition key.",
      });
    }
    return { value, time, key, keyCode };
  };
}

function jsonOf(bytes: Buffer): unknown {
  // What a producer of null puts there: Debezium Server, of a tombstone.
  if (bytes.length === 0) return null;
  try {
    return parseJson(bytes);
  } catch (thrown) {
    if (thrown instanceof JsonError) throw poisonError({ code: thrown.code, message: thrown.message });
    throw thrown;
  }
}
