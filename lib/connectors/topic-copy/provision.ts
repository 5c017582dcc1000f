import type { KafkaCluster } from "../kafka/cluster.ts";
import { writtenTopic } from "../kafka/written-topic.ts";
import type { CheckedSink } from "../provisioned.ts";
import { topicPlace } from "../replication/copied-place.ts";
import { provisionPositions, type PositionSettings } from "../replication/copy-table.ts";
import type { TopicCopyDeclaration } from "./declare.ts";

/** A topic that a pipeline copies to; it is there already. */
export interface TopicCopySettings extends PositionSettings {
  readonly cluster: KafkaCluster;
}

/** @param what names the topic in errors @throws definition error `provision/refused` */
export function checkTopicCopy(
  what: string,
  { name, topic }: TopicCopyDeclaration,
  settings: TopicCopySettings | undefined,
  isInNetwork: boolean,
): CheckedSink {
  const written = writtenTopic(what, topic, settings?.cluster, isInNetwork);
  return {
    name,
    provision(scope, place) {
      const { address, grants } = written();
      const positions = provisionPositions(scope, name, place, settings!);
      return {
        name,
        address: { ...address, ...positions.address },
        grants: [...grants, ...positions.grants],
        keyArns: positions.keyArns,
        announced: [
          { name: "Topic", value: topic, description: "Topic" },
          { name: "PositionsTable", value: positions.table.tableName, description: "Table of the positions" },
        ],
        exceptions: [],
        copy: { to: topicPlace(settings!.cluster, topic), oneWay: false },
      };
    },
  };
}
