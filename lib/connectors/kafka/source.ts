import { fieldOf } from "../services.ts";
import type { SourceConnector } from "../source-connector.ts";
import { TopicClient } from "./client.ts";
import { isKafkaEvent, recordsByPartition } from "./event.ts";
import { KafkaPartitions } from "./partitions.ts";

const topicOf = (address: Readonly<Record<string, string>>): string => fieldOf(address, "topic", "The Kafka source");

/**
 * A topic of MSK or of another cluster. Its address has `topic`, `auth`, `clusterArn` of MSK, `bootstrapServers` of another,
 * `partitions` where a key depends on their number, and ARNs of secrets: `secretArn`, `rootCaArn`.
 */
export const kafkaSource: SourceConnector = {
  isEvent: isKafkaEvent,
  recordsOf: (event, address) =>
    recordsByPartition(event as object, { topic: topicOf(address), clusterArn: address["clusterArn"] }),
  // AWS: Lambda developer guide, partial batch responses of Kafka.
  itemOf: ({ partition, records }) => ({ partition, offset: Number(records[0]!.position.sequence) }),
  partitions(address, services) {
    const { partitions } = address;
    const declared = partitions === undefined ? undefined : Number(partitions);
    return new KafkaPartitions(new TopicClient(address, services), topicOf(address), declared);
  },
};
