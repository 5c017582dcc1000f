import { Stack } from "aws-cdk-lib";
import { CfnEventSourceMapping } from "aws-cdk-lib/aws-lambda";
import { Construct } from "constructs";
import { suspectAfterMillis, type CheckedMapping } from "../kinesis/stream-settings.ts";
import { refuseSetting, wholeWithin } from "../limits.ts";
import type { CheckedSource, Grant } from "../provisioned.ts";
import { topicPlace } from "../replication/copied-place.ts";
import type { ClusterNetwork, KafkaCluster, KafkaSettings } from "./cluster.ts";
import type { KafkaDeclaration } from "./declare.ts";
import { KAFKA } from "./names.ts";
import { addressOf, inCluster, refuseAuth, refuseUnreachable, registryAddress, secretsOf } from "./reach.ts";

/** What a stage reads from Kafka, and how; complete. */
export interface KafkaInputSettings {
  /** Names the source in errors. */
  readonly what: string;
  readonly source: KafkaDeclaration;
  readonly settings: KafkaSettings | undefined;
  readonly mapping: CheckedMapping;
  readonly offsetLag: number;
  readonly pipeline: string;
  readonly generation: number;
  /** Whether functions are in a network. */
  readonly isInNetwork: boolean;
}

/** Event pollers that a mapping may have (AWS: Lambda API reference, ProvisionedPollerConfig). */
const MOST_POLLERS = 2_000;

/** A topic as what a stage reads. @throws definition errors naming the limit and the value given */
export function kafkaInput(input: KafkaInputSettings): CheckedSource {
  const { what, source, mapping, offsetLag, isInNetwork } = input;
  const settings = input.settings;
  if (settings === undefined) {
    throw refuseSetting(`${what}.kafka`, `without "${source.name}"`, "Say which cluster the source's topic is of.");
  }
  const { cluster } = settings;
  refuseUnreachable(what, cluster, isInNetwork);
  refuseAuth(what, cluster);
  const incarnation = wholeWithin(`${what}.incarnation`, settings.incarnation ?? 0, {
    least: 0,
    most: Number.MAX_SAFE_INTEGER,
    unit: "incarnations",
    why: "It counts the topics that ever fed the source.",
  });
  const pollers = pollersOf(what, settings);
  const registry = registryAddress(what, source, settings.registry);
  return {
    connector: KAFKA,
    incarnation,
    concurrency: { partitions: source.partitions ?? 1, mayGrow: false },
    iteratorAgeSeconds: undefined,
    offsetLag,
    suspectAfterMillis: suspectAfterMillis(mapping),
    provision(scope, name) {
      const { topic } = source;
      const consumerGroup = groupOf(scope, input, settings, incarnation);
      return {
        address: {
          ...addressOf(cluster),
          ...registry,
          topic,
          ...(source.partitions && { partitions: String(source.partitions) }),
        },
        grants: [
          ...reading(cluster, topic, consumerGroup),
          ...secretsOf(cluster, settings.registry?.login),
          ...pollersNetwork(cluster),
        ],
        keyArns: [],
        announced: [
          { name: "Topic", value: topic, description: "Topic" },
          { name: "ConsumerGroup", value: consumerGroup, description: "Consumer group" },
        ],
        exceptions: [],
        records: { construct: new Construct(scope, name), arn: `${cluster.clusterArn ?? KAFKA}/${topic}` },
        copiedFrom: topicPlace(cluster, topic),
        stream: undefined,
        isBilledByPut: false,
        map: (within, id, target) => {
          new CfnEventSourceMapping(within, id, {
            functionName: target.functionArn,
            ...eventSourceOf(cluster, consumerGroup),
            topics: [topic],
            startingPosition: mapping.startingPosition,
            batchSize: mapping.batchSize,
            maximumBatchingWindowInSeconds: mapping.batchingWindowSeconds,
            // Retries, bisection and partial answers are of this mode alone.
            provisionedPollerConfig: pollers,
            maximumRetryAttempts: -1,
            maximumRecordAgeInSeconds: -1,
            bisectBatchOnFunctionError: true,
            functionResponseTypes: ["ReportBatchItemFailures"],
            // No on-failure destination: with one Lambda gives a batch up after ten retries, whatever stands above (X6).
          });
        },
      };
    },
  };
}

function pollersOf(what: string, { pollers = {} }: KafkaSettings) {
  const within = (name: string, value: number, least: number) =>
    wholeWithin(`${what}.pollers.${name}`, value, {
      least,
      most: MOST_POLLERS,
      unit: "pollers",
      why: "Lambda's limits; the maximum is no less than the minimum.",
    });
  const minimumPollers = within("minimum", pollers.minimum ?? 1, 1);
  return {
    minimumPollers,
    maximumPollers: within("maximum", pollers.maximum ?? Math.max(4, minimumPollers), minimumPollers),
  };
}

/** One group per history: a raised generation or incarnation reads the topic from its beginning. */
const groupOf = (
  scope: Construct,
  { pipeline, source, generation }: KafkaInputSettings,
  { consumerGroup }: KafkaSettings,
  incarnation: number,
): string =>
  `${consumerGroup ?? `${Stack.of(scope).stackName}-${pipeline}-${source.name}`}.${generation}.${incarnation}`;

/** Where a mapping reads. */
function eventSourceOf(cluster: KafkaCluster, consumerGroupId: string) {
  const access = accessOf(cluster);
  const sourceAccessConfigurations = access.length === 0 ? undefined : [...access];
  if (cluster.clusterArn !== undefined) {
    return {
      eventSourceArn: cluster.clusterArn,
      amazonManagedKafkaEventSourceConfig: { consumerGroupId },
      ...(sourceAccessConfigurations && { sourceAccessConfigurations }),
    };
  }
  return {
    selfManagedEventSource: { endpoints: { kafkaBootstrapServers: [...(cluster.bootstrapServers ?? [])] } },
    selfManagedKafkaEventSourceConfig: { consumerGroupId },
    ...(sourceAccessConfigurations && { sourceAccessConfigurations }),
  };
}

interface Access {
  readonly type: string;
  readonly uri: string;
}

function accessOf({ auth, rootCa, network }: KafkaCluster): readonly Access[] {
  const { kind, secret, mechanism } = auth;
  const type = {
    iam: undefined,
    none: undefined,
    plain: "BASIC_AUTH",
    scram: `SASL_SCRAM_${mechanism ?? "512"}_AUTH`,
    mtls: "CLIENT_CERTIFICATE_TLS_AUTH",
  }[kind];
  return [
    ...(type !== undefined && secret !== undefined ? [{ type, uri: secret.secretArn }] : []),
    ...(rootCa === undefined ? [] : [{ type: "SERVER_ROOT_CA_CERTIFICATE", uri: rootCa.secretArn }]),
    ...(network === undefined ? [] : networkAccess(network)),
  ];
}

const networkAccess = ({ vpc, subnets, securityGroups }: ClusterNetwork): readonly Access[] => [
  ...vpc.selectSubnets(subnets).subnetIds.map((id) => ({ type: "VPC_SUBNET", uri: `subnet:${id}` })),
  ...securityGroups.map(({ securityGroupId }) => ({
    type: "VPC_SECURITY_GROUP",
    uri: `security_group:${securityGroupId}`,
  })),
];

/** What Lambda's pollers do, and what functions ask: of exactly this cluster, topic and group. */
function reading({ clusterArn, auth }: KafkaCluster, topic: string, group: string): readonly Grant[] {
  if (clusterArn === undefined) return [];
  const scramSecrets = auth.kind === "scram" ? ["kafka:ListScramSecrets"] : [];
  const find = ["kafka:DescribeCluster", "kafka:DescribeClusterV2", "kafka:GetBootstrapBrokers", ...scramSecrets];
  const found: Grant = { sid: "FindCluster", actions: find, resources: [clusterArn] };
  if (auth.kind !== "iam") return [found];
  return [
    found,
    {
      sid: "ConnectToCluster",
      actions: ["kafka-cluster:Connect", "kafka-cluster:DescribeClusterDynamicConfiguration"],
      resources: [clusterArn],
    },
    {
      sid: "ReadTopic",
      actions: ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"],
      resources: [inCluster(clusterArn, "topic", topic)],
    },
    {
      sid: "JoinGroup",
      actions: ["kafka-cluster:AlterGroup", "kafka-cluster:DescribeGroup"],
      resources: [inCluster(clusterArn, "group", group)],
    },
  ];
}

/** What Lambda does with the role to put its pollers beside brokers (AWS: Lambda developer guide, Kafka permissions). */
function pollersNetwork({ kind, network }: KafkaCluster): readonly Grant[] {
  if (kind !== "msk" && network === undefined) return [];
  return [
    {
      sid: "PollInNetwork",
      actions: [
        "ec2:CreateNetworkInterface",
        "ec2:DeleteNetworkInterface",
        "ec2:DescribeNetworkInterfaces",
        "ec2:DescribeSecurityGroups",
        "ec2:DescribeSubnets",
        "ec2:DescribeVpcs",
      ],
      resources: ["*"],
      isForLambdaAlone: true,
    },
  ];
}
