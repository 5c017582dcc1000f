import { poisonError } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { RecordDecoder, RecordFormat } from "../../runtime/record.ts";
import { Base64Decoder } from "../base64.ts";
import { jsonDecoder } from "../decode-json.ts";
import { PayloadReader } from "../payload-reader.ts";
import { KINESIS, type KinesisDeclaration } from "./declare.ts";
import { kinesisUnpack } from "./unpack.ts";

/** How records of a Kinesis source become values. */
export const kinesisFormat = (source: SourceDeclaration): RecordFormat => ({
  decode: kinesisDecoder(source),
  unpack: kinesisUnpack((source as KinesisDeclaration).compression),
});

/** The decoder of events of a Kinesis source: what a record was routed by is its key's text. */
export function kinesisDecoder(source: SourceDeclaration): RecordDecoder {
  const reader = new PayloadReader(source.schema);
  const decoder = new Base64Decoder(KINESIS);
  // Of no bytes: what a producer of null puts there, as Debezium Server does of a tombstone.
  const read = (bytes: Buffer, start: number, end: number) =>
    start === end ? reader.check(null) : reader.read(bytes, start, end);
  return jsonDecoder(source, {
    valueOf(record) {
      const { held } = record;
      if (held !== undefined) return read(held.holder, held.start, held.end);
      // A packed event's base64 is made when it is asked for: only for what has no bytes.
      if (record.bytes !== undefined) return read(record.bytes, 0, record.bytes.length);
      const payload = decoder.decode(record.base64);
      return read(payload, 0, decoder.length);
    },
    checkPlace({ partitionKey }, text, keyFields) {
      if (partitionKey === undefined || partitionKey === text) return;
      // Two keys of one partition key, or one key on two shards: its state would be torn apart.
      throw poisonError({
        code: "kinesis/partition-key",
        message: `The record's partition key is not that of its key (${keyFields.join(", ")}).`,
        advice: "Producers use partitionKeyOf(key) as partition key.",
      });
    },
  });
}
