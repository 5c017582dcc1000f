import type { Address } from "../../plan/bindings.ts";
import { refuseSetting } from "../limits.ts";
import type { Grant } from "../provisioned.ts";
import type { KafkaCluster } from "./cluster.ts";
import { addressOf, inCluster, refuseAuth, refuseUnreachable, secretsOf } from "./reach.ts";

/** A topic that is written to. */
export interface WrittenTopic {
  readonly address: Address;
  readonly grants: readonly Grant[];
}

/** @param what names the topic in errors @throws definition error `provision/refused` */
export function writtenTopic(
  what: string,
  topic: string,
  cluster: KafkaCluster | undefined,
  isInNetwork: boolean,
): () => WrittenTopic {
  if (cluster === undefined) throw refuseSetting(what, "left out", "Say which cluster the sink's topic is of.");
  refuseUnreachable(what, cluster, isInNetwork);
  refuseAuth(what, cluster);
  return () => ({
    address: { ...addressOf(cluster), topic },
    grants: [...writing(cluster, topic), ...secretsOf(cluster)],
  });
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
