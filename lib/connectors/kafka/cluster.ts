import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { ISecurityGroup, SubnetSelection, IVpc } from "aws-cdk-lib/aws-ec2";
import type { AuthKind } from "./auth-kind.ts";

/** How Lambda and the functions prove to a cluster who they are. Secrets are read where they are used. */
export interface KafkaAuth {
  readonly kind: AuthKind;
  readonly secret?: ISecret;
  /** Of SCRAM. */
  readonly mechanism?: "256" | "512";
}

/** By the functions' role: MSK's own way. */
export const iam = (): KafkaAuth => ({ kind: "iam" });

/** SASL/SCRAM. The secret is JSON, `{"username": …, "password": …}`; MSK wants one whose name begins with `AmazonMSK_`. */
export const scram = (secret: ISecret, options: { readonly hash?: "SHA-256" | "SHA-512" } = {}): KafkaAuth => ({
  kind: "scram",
  secret,
  mechanism: options.hash === "SHA-256" ? "256" : "512",
});

/** SASL/PLAIN. The secret is JSON, `{"username": …, "password": …}`. */
export const plain = (secret: ISecret): KafkaAuth => ({ kind: "plain", secret });

/** A client's certificate. The secret is JSON, `{"certificate": …, "privateKey": …, "privateKeyPassword": …}`, in PEM. */
export const mtls = (secret: ISecret): KafkaAuth => ({ kind: "mtls", secret });

/** No proof at all: whoever reaches the brokers is let in. */
export const unauthenticated = (): KafkaAuth => ({ kind: "none" });

/** A Kafka cluster that is there already. */
export interface KafkaCluster {
  readonly kind: "msk" | "self-managed";
  readonly auth: KafkaAuth;
  /** Of MSK. */
  readonly clusterArn?: string;
  /** `host:port` each. */
  readonly bootstrapServers?: readonly string[];
  /** Whether brokers can be reached from outside of their network. */
  readonly isPublic: boolean;
  /** The secret of the authority that signed the brokers' certificates: JSON, `{"certificate": …}`. */
  readonly rootCa?: ISecret;
  /** Where Lambda's pollers reach a cluster that MSK does not know. */
  readonly network?: ClusterNetwork;
}

/** A network that a cluster is in. */
export interface ClusterNetwork {
  readonly vpc: IVpc;
  /** @default the VPC's private subnets with a way out, as CDK chooses them */
  readonly subnets?: SubnetSelection;
  /** Groups that brokers let in. */
  readonly securityGroups: readonly ISecurityGroup[];
}

export interface MskOptions {
  readonly clusterArn: string;
  /** @default iam() */
  readonly auth?: KafkaAuth;
  /** `host:port` each. @default the functions ask MSK, and so must reach its API */
  readonly bootstrapServers?: readonly string[];
  /** Whether the cluster has public access: then functions need no network. @default false */
  readonly publicAccess?: boolean;
}

/** A provisioned cluster of MSK. */
export const msk = ({
  clusterArn,
  auth = iam(),
  bootstrapServers,
  publicAccess = false,
}: MskOptions): KafkaCluster => ({
  kind: "msk",
  auth,
  clusterArn,
  isPublic: publicAccess,
  ...(bootstrapServers && { bootstrapServers }),
});

/** A serverless cluster of MSK, which takes IAM alone. */
export const mskServerless = (options: Pick<MskOptions, "clusterArn" | "bootstrapServers">): KafkaCluster =>
  msk(options);

export interface SelfManagedOptions {
  /** `host:port` each. */
  readonly bootstrapServers: readonly string[];
  readonly auth: KafkaAuth;
  /** The secret of the authority that signed the brokers' certificates: JSON, `{"certificate": …}`. @default one that Amazon trusts */
  readonly rootCa?: ISecret;
  /** Where the cluster is, if it is in a VPC. @default it is reached through the internet */
  readonly network?: ClusterNetwork;
}

/** A cluster that is not MSK's: Confluent Cloud, Redpanda, or brokers of one's own. */
export const selfManaged = (options: SelfManagedOptions): KafkaCluster => ({
  kind: "self-managed",
  isPublic: options.network === undefined,
  ...options,
});

/** A registry of schemas with Confluent's HTTP interface. */
export interface SchemaRegistrySettings {
  /** https; or http, without a login. Functions must reach it. */
  readonly url: string;
  /** A secret, JSON: `{"username": …, "password": …}`; of Confluent Cloud an API key and its secret. @default none is wanted */
  readonly login?: ISecret;
}

/** How a source's topic is read. */
export interface KafkaSettings {
  readonly cluster: KafkaCluster;
  /** Where the schemas of a topic of Avro are. @default none: for topics of JSON */
  readonly registry?: SchemaRegistrySettings;
  /** What the consumer group's name begins with; generation and incarnation follow. @default `<stack>-<pipeline>-<source>` */
  readonly consumerGroup?: string;
  /** Which of the topics that ever fed this source, 0 or more: raise it when the topic is made anew. @default 0 */
  readonly incarnation?: number;
  /** Lambda's event pollers, each up to 5 MB/s, that are always there and that there may be. @default 1 and 4 */
  readonly pollers?: { readonly minimum?: number; readonly maximum?: number };
}
