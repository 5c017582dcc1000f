import type { KafkaCluster } from "../kafka/cluster.ts";
import { addressOf, inCluster, refuseAuth, refuseUnreachable, secretsOf } from "../kafka/reach.ts";
import { refuseSetting } from "../limits.ts";
import type { CheckedSink, Grant } from "../provisioned.ts";
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
  if (settings === undefined) throw refuseSetting(what, "left out", "Say which cluster the sink's topic is of.");
  const { cluster } = settings;
  refuseUnreachable(what, cluster, isInNetwork);
  refuseAuth(what, cluster);
  return {
    name,
    provision: () => ({
      name,
      address: { ...addressOf(cluster), topic },
      grants: [...writing(cluster, topic), ...secretsOf(cluster)],
      keyArns: [],
      announced: [{ name: "Topic", value: topic, description: "Topic" }],
      exceptions: [],
    }),
  };
}

/** What an idempotent producer does: on exactly this cluster and topic. */
function writing({ clusterArn, auth }: KafkaCluster, topic: string): readonly Grant[] {
  if (clusterArn === undefined) return [];
  const found: Grant = { sid: "FindSinkCluster", actions: ["kafka:GetBootstrapBrokers"], resources: [clusterArn] };
  if (auth.kind !== "iam") return [found];
  return [
    found,
    {
      sid: "ProduceToCluster",
      actions: ["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"],
      resources: [clusterArn],
    },
    {
      sid: "WriteTopic",
      actions: ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"],
      resources: [inCluster(clusterArn, "topic", topic)],
    },
  ];
}
