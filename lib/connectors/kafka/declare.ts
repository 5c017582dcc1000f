import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError } from "../../errors.ts";
import {
  declareSource,
  type KeyValues,
  type Source,
  type SourceDeclaration,
  type SourceKey,
  type SourceOptions,
} from "../../pipeline/source.ts";
import { checkTopic, KAFKA } from "./names.ts";

/** A record without a value, as producers write it to delete what a key stands for. */
export interface Tombstone {
  /** The record's key as text; empty where it has none. */
  readonly key: string;
  /** The record's timestamp, epoch milliseconds. */
  readonly timestamp: number;
}

/** What a topic's values are: JSON, or Avro as Confluent's serializers write it, by schemas of a registry. */
export type KafkaFormat = "json" | "avro";

/** What Kafka sources declare beyond others. */
export interface KafkaDeclaration extends SourceDeclaration {
  readonly topic: string;
  /** What values are; undefined where records are taken as they are. */
  readonly format?: KafkaFormat | undefined;
  readonly tombstone: ((tombstone: Tombstone) => unknown) | undefined;
}

/** The settings of a Kafka source. */
export interface KafkaOptions<S extends StandardSchemaV1> extends Omit<SourceOptions<S, {}>, "key"> {
  /** The topic's name. @default the source's */
  readonly topic?: string;
  /**
   * What values are: JSON, or Avro in the wire format of Confluent's serializers (Debezium's `AvroConverter`). Where the registry of
   * its schemas is, is said where the pipeline is deployed. The schema is given what JSON would have: bytes are base64, longs
   * beyond 2^53 bigints. @default "json"
   */
  readonly format?: KafkaFormat;
  /**
   * What the schema is given for a record without a value.
   *
   * @default null: where the schema refuses that, the record is a dead letter (`kafka/tombstone`)
   */
  readonly tombstone?: (tombstone: Tombstone) => StandardSchemaV1.InferInput<S>;
}

/** A key that producers partition by. */
export interface KafkaKey<S extends StandardSchemaV1, K extends KeyValues> {
  /**
   * The key that producers use as the record's key, by field: its text is what `partitionKeyOf` gives. `byKey` then costs nothing.
   * A record on another partition than Kafka's default partitioner gives this text is a dead letter.
   */
  readonly key: { readonly [P in keyof K]: (record: StandardSchemaV1.InferOutput<S>) => K[P] };
  /** How many partitions the topic has, 1 or more. It stays: with more of them keys would move, and their state would not. */
  readonly partitions: number;
}

/**
 * A Kafka topic of records of JSON or Avro, one event a record. Which cluster it is of is said where it is deployed.
 *
 * Without a key nothing is said of what partition a record comes on: `keyBy` groups by a key. With `key` and `partitions`
 * the topic's own partitioning is used, as `byKey`.
 *
 * @example
 * const departures = kafka("departures", {
 *   schema: z.object({ origin: z.string(), departedAt: z.number(), delay: z.number() }),
 *   eventTime: (d) => d.departedAt,
 *   disorder: { hours: 6 },
 * });
 *
 * @param name the source's name in state addresses and metrics
 * @throws definition errors for settings that cannot be, naming them
 */
export function kafka<S extends StandardSchemaV1>(
  name: string,
  options: KafkaOptions<S> & { readonly key?: undefined; readonly partitions?: undefined },
): Source<StandardSchemaV1.InferOutput<S>, never, StandardSchemaV1.InferInput<S>>;
export function kafka<S extends StandardSchemaV1, K extends KeyValues>(
  name: string,
  options: KafkaOptions<S> & KafkaKey<S, K>,
): Source<StandardSchemaV1.InferOutput<S>, SourceKey<K>, StandardSchemaV1.InferInput<S>>;
export function kafka<S extends StandardSchemaV1, K extends KeyValues>(
  name: string,
  options: KafkaOptions<S> & {
    readonly key?: KafkaKey<S, K>["key"] | undefined;
    readonly partitions?: number | undefined;
  },
): KafkaDeclaration {
  const { topic = name, format = "json", tombstone, partitions, ...shared } = options;
  const what = `${KAFKA}("${name}")`;
  const declared = declareSource(KAFKA, name, shared as SourceOptions<S, K>);
  if ((options.key === undefined) !== (partitions === undefined)) {
    throw definitionError({
      code: "kafka/key",
      message: `${what}: ${partitions === undefined ? "a key is declared, and not how many partitions there are" : "partitions are for a key, and there is none"}.`,
      advice: "Which partition a key is on follows from their number: declare both, or use keyBy.",
    });
  }
  if (partitions !== undefined && !(Number.isSafeInteger(partitions) && partitions > 0)) {
    throw definitionError({
      code: "kafka/partitions",
      message: `${what}: there cannot be ${String(partitions)} partitions.`,
      advice: "Give the number that the topic has: 1 or more.",
    });
  }
  if (format !== "json" && format !== "avro") {
    throw definitionError({
      code: "kafka/format",
      message: `${what}: there is no format "${String(format)}".`,
      advice: 'It is "json" or "avro".',
    });
  }
  if (format === "avro" && options.key !== undefined) {
    throw definitionError({
      code: "kafka/format",
      message: `${what}: a key is declared, and keys of topics of Avro are Avro: their text is not what decides on the partition.`,
      advice: "Use keyBy.",
    });
  }
  return { ...declared, topic: checkTopic(what, topic), format, partitions, tombstone };
}

/** Whether a source's values are of schemas that a registry has. */
export const hasRegistry = (source: SourceDeclaration): boolean =>
  source.connector === KAFKA && (source as KafkaDeclaration).format === "avro";
