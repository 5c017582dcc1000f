import type { KafkaCluster } from "../kafka/cluster.ts";
import { writtenTopic } from "../kafka/written-topic.ts";
import type { CheckedSink } from "../provisioned.ts";
import type { KafkaTopicDeclaration } from "./declare.ts";

/** A topic that a pipeline sends rows to; it is there already. */
export interface KafkaTopicSettings {
  readonly cluster: KafkaCluster;
}

/** @param what names the topic in errors @throws definition error `provision/refused` */
export function checkKafkaTopic(
  what: string,
  { name, topic }: KafkaTopicDeclaration,
  settings: KafkaTopicSettings | undefined,
  isInNetwork: boolean,
): CheckedSink {
  const written = writtenTopic(what, topic, settings?.cluster, isInNetwork);
  return {
    name,
    provision: () => ({
      name,
      ...written(),
      keyArns: [],
      announced: [{ name: "Topic", value: topic, description: "Topic" }],
      exceptions: [],
    }),
  };
}
