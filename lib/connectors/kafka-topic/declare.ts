import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { checkTopic } from "../kafka/names.ts";
import { declareRows, textFrom, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink a Kafka topic. */
export const KAFKA_TOPIC = "kafkaTopic";

/** What one record may take, in bytes, its key included: brokers take a megabyte unless they are told otherwise. */
const MAX_BYTES = 1_000_000;

export interface KafkaTopicDeclaration extends SinkDeclaration {
  readonly topic: string;
}

export interface KafkaTopicOptions<R> {
  /** The topic's name. @default the sink's */
  readonly topic?: string;
  /**
   * The record's key: rows of one key are on one partition, chosen as Kafka's default partitioner does, and keep the order in which
   * each task sends them. @default records have no key, and are spread
   */
  readonly key?: (row: R) => string;
}

/**
 * A Kafka topic, of one record of JSON a row. Each has the header `output_id`, the same however often it is sent: readers tell
 * repeats by it.
 *
 * @example
 * const totals = kafkaTopic("totals", { shop: text, at: timestamp, sum: double }, { key: (row) => row.shop });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`, `kafka/topic`
 */
export function kafkaTopic<S extends RowShape>(
  name: string,
  shape: S,
  { topic = name, key }: KafkaTopicOptions<RowFor<S>> = {},
): Sink<RowFor<S>> & KafkaTopicDeclaration {
  const what = `${KAFKA_TOPIC}("${name}")`;
  const keyOf = key as ((row: never) => unknown) | undefined;
  return {
    ...declareRows({
      connector: KAFKA_TOPIC,
      name,
      shape,
      maxBytes: MAX_BYTES,
      headOf: keyOf && ((row: never) => ({ key: textFrom(what, "key", keyOf(row)) })),
    }),
    topic: checkTopic(what, topic),
  };
}
