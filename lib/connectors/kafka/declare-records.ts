import { declareSource, type Source } from "../../pipeline/source.ts";
import { checkCluster, RAW_RECORD, type RawRecord } from "../replication/raw-record.ts";
import type { KafkaDeclaration } from "./declare.ts";
import { checkTopic, KAFKA } from "./names.ts";

/** A Kafka source whose records are taken as they are. */
export interface KafkaRecordsDeclaration extends KafkaDeclaration {
  readonly raw: { readonly cluster: string };
}

/** The settings of {@link kafkaRecords}. */
export interface KafkaRecordsOptions {
  /** What the Kafka cluster is called: the same in every pipeline that copies to or from it. */
  readonly cluster: string;
  /** The topic's name. @default the source's */
  readonly topic?: string;
}

/**
 * A Kafka topic whose records are taken as they are, with their headers: for replication.
 *
 * @example
 * const orders = kafkaRecords("orders", { cluster: "on-premises", topic: "shop.orders" });
 *
 * @param name the source's name in state addresses and metrics
 * @throws definition errors `name/invalid`, `kafka/topic`, `replication/cluster`
 */
export function kafkaRecords(
  name: string,
  { cluster, topic = name }: KafkaRecordsOptions,
): Source<RawRecord, never, never> {
  const what = `kafkaRecords("${name}")`;
  const declared: KafkaRecordsDeclaration = {
    ...declareSource(KAFKA, name, {
      schema: RAW_RECORD,
      eventTime: (record) => record.timestamp,
      disorder: {},
      maxFuture: "unbounded",
      idle: "never",
    }),
    topic: checkTopic(what, topic),
    partitions: undefined,
    tombstone: undefined,
    raw: { cluster: checkCluster(what, cluster) },
  };
  return declared;
}
