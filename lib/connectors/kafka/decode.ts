import { messageOf, poisonError } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { RecordDecoder, RecordFormat, Undecoded } from "../../runtime/record.ts";
import { bytesOf } from "../base64.ts";
import { jsonDecoder } from "../decode-json.ts";
import { PayloadReader } from "../payload-reader.ts";
import type { KafkaDeclaration } from "./declare.ts";
import { checkTimestamp } from "./event.ts";
import { partitionOf } from "./murmur2.ts";
import { KAFKA, partitionNumber } from "./names.ts";
import type { SchemaRegistry } from "../schema-registry/registry.ts";
import { avroIn, schemaIdsOf } from "../schema-registry/avro-value.ts";

/**
 * The decoder of a Kafka source. A record without a value is a tombstone: the schema is given what the source says of it, or
 * null. A key's text says its partition.
 *
 * @param schemas of a topic of Avro; without them its values are taken for JSON, as tests have them
 */
export function kafkaDecoder(source: SourceDeclaration, schemas?: SchemaRegistry): RecordDecoder {
  const { tombstone, partitions } = source as KafkaDeclaration;
  const reader = new PayloadReader(source.schema);
  const read = (bytes: Buffer) => (schemas === undefined ? reader.read(bytes) : reader.check(avroIn(bytes, schemas)));
  const decode = jsonDecoder(source, {
    valueOf(record) {
      if (record.base64 !== "") return read(bytesOf(record.base64, KAFKA));
      return reader.check(tombstone?.({ key: record.partitionKey ?? "", timestamp: record.arrival }) ?? null);
    },
    checkPlace: (record, text, keyFields) => checkPartition(record, text, keyFields, partitions!),
  });
  return (record) => {
    checkTimestamp(record);
    try {
      return decode(record);
    } catch (thrown) {
      if (record.base64 !== "" || tombstone !== undefined) throw thrown;
      throw poisonError({
        code: "kafka/tombstone",
        message: `The record has no value: it is a tombstone, and null is none of the source's (${messageOf(thrown)}).`,
        advice:
          "Give the source `tombstone`, which says what the schema is given in its place, or a schema that takes null.",
        cause: thrown,
      });
    }
  };
}

/** How a Kafka source's records become values. */
export function kafkaFormat(source: SourceDeclaration, schemas?: SchemaRegistry): RecordFormat {
  const decode = kafkaDecoder(source, schemas);
  if (schemas === undefined) return { decode };
  return { decode, prepare: (records) => schemas.fetch(schemaIdsOf(records)) };
}

/** State is where the key's partition is: on another partition the key would have a second state. */
function checkPartition(
  { partition = "" }: Undecoded,
  text: string,
  keyFields: readonly string[],
  partitions: number,
): void {
  const expected = partitionOf(text, partitions);
  if (partitionNumber(partition) === expected) return;
  throw poisonError({
    code: "kafka/partition",
    message: `The record came on ${partition}, and its key (${keyFields.join(", ")}) belongs on partition ${expected} of ${partitions}.`,
    advice: "Producers use partitionKeyOf(key) as the record's key, with Kafka's default partitioner (murmur2).",
  });
}
