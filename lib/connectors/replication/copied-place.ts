import { Token } from "aws-cdk-lib";
import { CfnStream, type IStream } from "aws-cdk-lib/aws-kinesis";
import type { KafkaCluster } from "../kafka/cluster.ts";

/** A stream by one name, whichever stack tells of it: whether it is made there, or known by its ARN. */
export function streamPlace(stream: IStream): string {
  const { streamArn, node, env } = stream;
  const made = node.defaultChild;
  const name = made instanceof CfnStream ? made.name : undefined;
  if (!Token.isUnresolved(streamArn) || name === undefined || Token.isUnresolved(name)) return streamArn;
  return `arn:aws:kinesis:${env.region}:${env.account}:stream/${name}`;
}

/** A topic by one name. */
export const topicPlace = ({ clusterArn, bootstrapServers = [] }: KafkaCluster, topic: string): string =>
  `${clusterArn ?? bootstrapServers.toSorted().join()}/${topic}`;
