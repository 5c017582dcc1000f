import { messageOf, poisonError } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { RecordDecoder, Undecoded } from "../../runtime/record.ts";
import { bytesOf } from "../base64.ts";
import { jsonDecoder, jsonOfPayloads } from "../decode-json.ts";
import type { KafkaDeclaration } from "./declare.ts";
import { partitionOf } from "./murmur2.ts";
import { KAFKA, partitionNumber } from "./names.ts";

/**
 * The decoder of a Kafka source. A record without a value is a tombstone: the schema is given what the source says of it, or
 * null. A key's text says its partition.
 */
export function kafkaDecoder(source: SourceDeclaration): RecordDecoder {
  const { tombstone, partitions } = source as KafkaDeclaration;
  const jsonOf = jsonOfPayloads();
  const decode = jsonDecoder(source, {
    jsonOf(record) {
      if (record.base64 !== "") return jsonOf(bytesOf(record.base64, KAFKA));
      return tombstone?.({ key: record.partitionKey ?? "", timestamp: record.arrival }) ?? null;
    },
    checkPlace: (record, text, keyFields) => checkPartition(record, text, keyFields, partitions!),
  });
  return (record) => {
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
