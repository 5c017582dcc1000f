import { checkName } from "../../pipeline/names.ts";
import type { Sink } from "../../pipeline/sink.ts";
import { checkTopic } from "../kafka/names.ts";
import { bodyBytesFor, decodeCopy, encodeCopy } from "../replication/copy-body.ts";
import { checkCluster, type RawRecord } from "../replication/raw-record.ts";
import type { CopyDeclaration } from "../stream-copy/declare.ts";

/** What makes a sink a copy on Kafka. */
export const TOPIC_COPY = "topicCopy";

/** What one record may take, in bytes: brokers take a megabyte unless they are told otherwise. */
const MAX_BYTES = 1_000_000;

export interface TopicCopyDeclaration extends CopyDeclaration {
  readonly topic: string;
  readonly partitionBy: "source" | "key";
}

/** The settings of {@link topicCopy}. */
export interface TopicCopyOptions {
  /** What the Kafka cluster is called. */
  readonly cluster: string;
  /** The topic's name. @default the sink's */
  readonly topic?: string;
  /**
   * Which partition a copy goes to: that of Kafka's default partitioner for its key, or the one that it was read from, by number: the
   * topic then has at least as many. What was read from Kinesis goes by key in any case. @default "source"
   */
  readonly partitionBy?: "source" | "key";
}

/**
 * A Kafka topic that records are copied to: keys, values, headers and timestamps as they are. Two headers more say where a copy
 * comes from: `millrace-origin`, the record's one name, by which repeats are told, and `millrace-clusters`.
 *
 * @example
 * const copy = topicCopy("orders_copy", { cluster: "dublin", topic: "shop.orders" });
 *
 * @param name the sink's name
 * @throws definition errors `name/invalid`, `kafka/topic`, `replication/cluster`
 */
export function topicCopy(
  name: string,
  { cluster, topic = name, partitionBy = "source" }: TopicCopyOptions,
): Sink<RawRecord> & TopicCopyDeclaration {
  const what = `${TOPIC_COPY}("${name}")`;
  checkName(`A ${TOPIC_COPY}`, name);
  checkCluster(what, cluster);
  return {
    kind: "sink",
    connector: TOPIC_COPY,
    name,
    cluster,
    topic: checkTopic(what, topic),
    partitionBy,
    encode: (record: RawRecord) => encodeCopy(what, record, { cluster, maxBytes: MAX_BYTES, needsValue: false }),
    decode: (body) => ({ ...decodeCopy(body) }),
    maxBytes: bodyBytesFor(MAX_BYTES),
  };
}
