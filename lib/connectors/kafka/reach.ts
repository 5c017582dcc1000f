import { Fn, Token } from "aws-cdk-lib";
import type { ISecret } from "aws-cdk-lib/aws-secretsmanager";
import type { Address } from "../../plan/bindings.ts";
import { refuseSetting } from "../limits.ts";
import type { Grant } from "../provisioned.ts";
import { problemOf } from "../webhook/url.ts";
import type { KafkaCluster, SchemaRegistrySettings } from "./cluster.ts";
import { hasRegistry, type KafkaDeclaration } from "./declare.ts";

/** Functions ask brokers themselves. @throws definition error `provision/refused` */
export function refuseUnreachable(what: string, { isPublic }: KafkaCluster, isInNetwork: boolean): void {
  if (isPublic || isInNetwork) return;
  throw refuseSetting(
    `${what}.network`,
    "left out, and the cluster is in one",
    "Functions ask brokers whether a partition is at its end: give `network`, in which they reach them.",
  );
}

/** What the cluster cannot take is refused. @throws definition error `provision/refused` */
export function refuseAuth(what: string, { kind, auth, clusterArn }: KafkaCluster): void {
  const isServerless = clusterArn?.includes(":cluster/") === true && /-s\d+$/.test(clusterArn);
  const wrong =
    kind === "msk"
      ? auth.kind === "plain" ||
        (auth.kind === "scram" && auth.mechanism === "256") ||
        (isServerless && auth.kind !== "iam")
      : auth.kind === "iam";
  if (!wrong) return;
  const why =
    kind === "msk" ? "MSK takes iam, scram with SHA-512 and mtls; its serverless clusters iam alone." : "iam is MSK's.";
  throw refuseSetting(`${what}: the cluster's auth`, auth.kind, why);
}

/**
 * What a function is told of a registry of schemas.
 *
 * @throws definition error `provision/refused` for one that is missing, or not wanted, or cannot be reached safely
 */
export function registryAddress(
  what: string,
  source: KafkaDeclaration,
  registry: SchemaRegistrySettings | undefined,
): Address {
  const isWanted = hasRegistry(source);
  if (registry === undefined) {
    if (!isWanted) return {};
    throw refuseSetting(
      `${what}.registry`,
      "left out",
      `Values of "${source.name}" are Avro: say where its schemas are.`,
    );
  }
  if (!isWanted) throw refuseSetting(`${what}.registry`, "given", `Values of "${source.name}" are JSON: leave it out.`);
  const { url, login } = registry;
  const problem = Token.isUnresolved(url) ? undefined : problemOf(url);
  const isSafe =
    problem === undefined || (login === undefined && problemOf(url.replace(/^http:/, "https:")) === undefined);
  if (!isSafe) {
    throw refuseSetting(`${what}.registry.url`, problem ?? url, "It is https; or http, where no login is sent.");
  }
  return { registryUrl: url, ...(login && { registryLogin: login.secretArn }) };
}

/** What a function is told of a cluster: which secrets, and never what they hold. */
export function addressOf({ auth, clusterArn, bootstrapServers, rootCa }: KafkaCluster): Address {
  return {
    auth: auth.kind,
    ...(clusterArn !== undefined && { clusterArn }),
    ...(bootstrapServers !== undefined && { bootstrapServers: bootstrapServers.join(",") }),
    ...(auth.secret !== undefined && { secretArn: auth.secret.secretArn }),
    ...(auth.mechanism !== undefined && { mechanism: auth.mechanism }),
    ...(rootCa !== undefined && { rootCaArn: rootCa.secretArn }),
  };
}

/** The ARN of what is in a cluster: `arn:aws:kafka:…:topic/<cluster>/<uuid>/<name>`. */
export function inCluster(clusterArn: string, kind: "topic" | "group" | "transactional-id", name: string): string {
  const [before, cluster] = [0, 1].map((i) => Fn.select(i, Fn.split(":cluster/", clusterArn, 2)));
  return `${before}:${kind}/${cluster}/${name}`;
}

/** Reading what the cluster asks for, and a registry, with the keys that encrypt it. */
export function secretsOf({ auth, rootCa }: KafkaCluster, login?: ISecret): readonly Grant[] {
  const secrets = [auth.secret, rootCa, login].filter((secret) => secret !== undefined);
  const keys = secrets.flatMap(({ encryptionKey }) => encryptionKey?.keyArn ?? []);
  return [
    ...secrets.map((secret) => ({
      sid: "ReadSecrets",
      actions: ["secretsmanager:GetSecretValue"],
      resources: [wholeArn(secret)],
    })),
    ...keys.map((key) => ({ sid: "DecryptSecrets", actions: ["kms:Decrypt"], resources: [key] })),
  ];
}

/** Secrets Manager ends ARNs with six characters of its own. */
const wholeArn = ({ secretFullArn, secretArn }: ISecret): string => secretFullArn ?? `${secretArn}-??????`;
