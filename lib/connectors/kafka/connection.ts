import { GetBootstrapBrokersCommand, KafkaClient } from "@aws-sdk/client-kafka";
import { GetSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import type { BaseOptions } from "@platformatic/kafka";
import { systemicError } from "../../errors.ts";
import type { Address } from "../../plan/bindings.ts";
import { fieldOf, type Services } from "../services.ts";
import type { AuthKind } from "./auth-kind.ts";

const WHAT = "The Kafka topic";

/** A request that takes longer is given up and sent again. */
const REQUEST_MILLIS = 10_000;
const CONNECT_MILLIS = 5_000;
const RETRIES = 3;
const RETRY_MILLIS = 250;

/** Brokers change while functions run: how old what is known of them may be. */
const METADATA_MILLIS = 60_000;

/**
 * What a client connects with: brokers and secrets are asked for when it is made, and are nowhere but in its memory.
 *
 * @param address has `auth`; `bootstrapServers`, or `clusterArn` of MSK; `secretArn` and `rootCaArn` where there are such
 * @throws systemic errors `bindings/address`, `kafka/secret`, and what AWS's clients throw
 */
export async function connectionTo(address: Address, services: Services): Promise<BaseOptions> {
  const auth = fieldOf(address, "auth", WHAT) as AuthKind;
  const [bootstrapBrokers, secret, rootCa] = await Promise.all([
    brokersOf(address, auth, services),
    secretOf(address["secretArn"], services),
    secretOf(address["rootCaArn"], services),
  ]);
  return {
    clientId: "millrace",
    bootstrapBrokers,
    timeout: REQUEST_MILLIS,
    requestTimeout: REQUEST_MILLIS,
    connectTimeout: CONNECT_MILLIS,
    retries: RETRIES,
    retryDelay: RETRY_MILLIS,
    metadataMaxAge: METADATA_MILLIS,
    autocreateTopics: false,
    ...(auth !== "none" || address["tls"] === "true" ? { tls: tlsOf(secret, rootCa, auth), tlsServerName: true } : {}),
    ...saslOf(address, auth, secret),
  };
}

const tlsOf = (secret: Secret, rootCa: Secret, auth: AuthKind) => ({
  ...(rootCa && { ca: rootCa.text("certificate") }),
  ...(auth === "mtls" && {
    cert: secret!.text("certificate"),
    key: secret!.text("privateKey"),
    ...(secret!.has("privateKeyPassword") && { passphrase: secret!.text("privateKeyPassword") }),
  }),
});

function saslOf(address: Address, auth: AuthKind, secret: Secret): Pick<BaseOptions, "sasl"> | undefined {
  switch (auth) {
    case "iam":
      return { sasl: { mechanism: "OAUTHBEARER", token: () => iamToken(regionOf(address)) } };
    case "scram":
    case "plain": {
      const [username, password] = [secret!.text("username"), secret!.text("password")];
      const mechanism = auth === "plain" ? "PLAIN" : address["mechanism"] === "256" ? "SCRAM-SHA-256" : "SCRAM-SHA-512";
      return { sasl: { mechanism, username, password } };
    }
    case "mtls":
    case "none":
      return undefined;
  }
}

/** What MSK takes for a token: a signed request of the function's own role. Loaded where a cluster wants it. */
async function iamToken(region: string): Promise<string> {
  const { generateAuthToken } = await import("aws-msk-iam-sasl-signer-js");
  return (await generateAuthToken({ region })).token;
}

/** `arn:aws:kafka:eu-west-1:…` */
const regionOf = (address: Address): string => fieldOf(address, "clusterArn", WHAT).split(":")[3] ?? "";

/** The field of GetBootstrapBrokers that has the brokers for a way to prove who one is. */
const BROKERS_FOR = {
  iam: "BootstrapBrokerStringSaslIam",
  scram: "BootstrapBrokerStringSaslScram",
  mtls: "BootstrapBrokerStringTls",
  plain: "BootstrapBrokerStringTls",
  none: "BootstrapBrokerStringTls",
} as const;

async function brokersOf(address: Address, auth: AuthKind, { aws }: Services): Promise<string[]> {
  const given = address["bootstrapServers"];
  if (given !== undefined) return given.split(",");
  const ClusterArn = fieldOf(address, "clusterArn", WHAT);
  const answer = await aws.of(KafkaClient).send(new GetBootstrapBrokersCommand({ ClusterArn }));
  const brokers = answer[BROKERS_FOR[auth]];
  if (brokers !== undefined && brokers !== "") return brokers.split(",");
  throw systemicError({
    code: "kafka/brokers",
    message: `The cluster ${ClusterArn} has no brokers that take "${auth}".`,
    advice: "Say in the construct's `kafka` what the cluster takes, or have it take this.",
  });
}

type Secret = { text(field: string): string; has(field: string): boolean } | undefined;

async function secretOf(arn: string | undefined, { aws }: Services): Promise<Secret> {
  if (arn === undefined) return undefined;
  const answer = await aws.of(SecretsManagerClient).send(new GetSecretValueCommand({ SecretId: arn }));
  let fields: unknown;
  try {
    fields = JSON.parse(answer.SecretString ?? "");
  } catch {
    fields = undefined; // never its text, which is a secret
  }
  const valueOf = (field: string): unknown => (fields as Partial<Record<string, unknown>> | null | undefined)?.[field];
  return {
    has: (field) => typeof valueOf(field) === "string",
    text(field) {
      const value = valueOf(field);
      if (typeof value === "string" && value !== "") return value;
      throw systemicError({
        code: "kafka/secret",
        message: `The secret ${arn} has no text "${field}".`,
        advice:
          "It is a JSON object: username and password, or certificate and privateKey, or certificate (docs/kafka.md).",
      });
    },
  };
}
