import { App, Stack } from "aws-cdk-lib";
import { SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { Key } from "aws-cdk-lib/aws-kms";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { kafka, kafkaTopic, kinesis, pipeline, text } from "millrace";
import { msk, mskServerless, mtls, plain as saslPlain, scram, selfManaged, unauthenticated } from "millrace/cdk";
import type { KafkaCluster, KafkaSettings, MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { ofType, plain, provisioned } from "./synthesized.ts";

const counted = pipeline("shops", (flow) => {
  flow
    .from(
      kafka("orders", {
        topic: "shop.orders",
        schema: z.object({ shop: z.string(), at: z.number() }),
        eventTime: (order) => order.at,
        disorder: { minutes: 1 },
      }),
    )
    .metric("sold");
});

const CLUSTER = "arn:aws:kafka:eu-west-1:123456789012:cluster/sales/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2";
const SERVERLESS = "arn:aws:kafka:eu-west-1:123456789012:cluster/sales/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-s1";

const outside = new Stack(new App(), "outside");
const vpc = Vpc.fromVpcAttributes(outside, "Network", {
  vpcId: "vpc-1",
  availabilityZones: ["a"],
  privateSubnetIds: ["subnet-1"],
});
const securityGroups = [SecurityGroup.fromSecurityGroupId(outside, "Brokers", "sg-1")];
const network = { vpc, securityGroups };
const secret = Secret.fromSecretAttributes(outside, "Login", {
  secretCompleteArn: "arn:aws:secretsmanager:eu-west-1:123456789012:secret:AmazonMSK_login-a1b2c3",
  encryptionKey: Key.fromKeyArn(outside, "Key", "arn:aws:kms:eu-west-1:123456789012:key/1"),
});

const templateOf = (
  cluster: KafkaCluster,
  props: Partial<MillracePipelineProps> = {},
  settings: Partial<KafkaSettings> = {},
) => provisioned(counted, { kafka: { orders: { cluster, ...settings } }, ...props });
const own = () => selfManaged({ bootstrapServers: ["kafka-1:9092", "kafka-2:9092"], auth: unauthenticated() });
const mappingOf = (template: ReturnType<typeof templateOf>) =>
  ofType(template, "AWS::Lambda::EventSourceMapping").find(({ Properties }) => "Topics" in Properties)!.Properties;

/** Actions and resources by their statements' names. */
function statementsOf(template: ReturnType<typeof templateOf>) {
  const [role] = ofType(template, "AWS::IAM::Role");
  const [policy] = role!.Properties["Policies"] as [{ PolicyDocument: { Statement: Record<string, unknown>[] } }];
  return Object.fromEntries(
    policy.PolicyDocument.Statement.map(({ Sid, Action, Resource, Effect }) => [
      Sid as string,
      {
        Effect: Effect as string,
        Action: [Action].flat() as readonly string[],
        Resource: [Resource].flat<unknown[]>().map(plain),
      },
    ]),
  );
}

describe("X6: the mapping of a topic never gives up", () => {
  const mapping = mappingOf(templateOf(own()));

  test.each([
    ["retries for ever", "MaximumRetryAttempts", -1],
    ["takes records of any age", "MaximumRecordAgeInSeconds", -1],
    ["isolates a bad record", "BisectBatchOnFunctionError", true],
    ["takes partial failures", "FunctionResponseTypes", ["ReportBatchItemFailures"]],
    ["begins below every record", "StartingPosition", "TRIM_HORIZON"],
    [
      "is in the mode in which all that is possible",
      "ProvisionedPollerConfig",
      { MinimumPollers: 1, MaximumPollers: 4 },
    ],
    ["reads the topic", "Topics", ["shop.orders"]],
  ])("it %s", (_law, setting, value) => expect(mapping[setting]).toEqual(value));

  test("it may begin at the topic's end where its stage keeps nothing", () => {
    expect(mappingOf(templateOf(own(), { mapping: { startingPosition: "LATEST" } }))["StartingPosition"]).toBe(
      "LATEST",
    );
  });

  test("with an on-failure destination Lambda would end after ten retries: there is none", () => {
    expect(mapping).not.toHaveProperty("DestinationConfig");
  });

  test("a raised generation or incarnation is another consumer group", () => {
    const groupOf = (props: Partial<MillracePipelineProps>, settings: Partial<KafkaSettings>) =>
      (
        mappingOf(templateOf(own(), props, settings))["SelfManagedKafkaEventSourceConfig"] as {
          ConsumerGroupId: string;
        }
      ).ConsumerGroupId;
    expect([
      groupOf({}, {}),
      groupOf({ generation: 1 }, {}),
      groupOf({}, { incarnation: 2 }),
      groupOf({}, { consumerGroup: "mine" }),
    ]).toEqual(["test-shops-orders.0.0", "test-shops-orders.1.0", "test-shops-orders.0.2", "mine.0.0"]);
  });

  test("what falls behind, and what is lost, is told", () => {
    const alarms = ofType(templateOf(own(), { alarms: { offsetLag: 500 } }), "AWS::CloudWatch::Alarm");
    const of = (metric: string) => alarms.find(({ Properties }) => Properties["MetricName"] === metric)?.Properties;
    expect(of("OffsetLag")).toMatchObject({ Threshold: 500, Namespace: "AWS/Lambda" });
    expect(of("RecordsLost")).toMatchObject({ Threshold: 0 });
    expect(of("IteratorAge")).toBeUndefined();
  });
});

describe("a cluster of MSK", () => {
  const template = templateOf(mskServerless({ clusterArn: SERVERLESS }), { network: { vpc } });

  test("is read by its ARN", () => {
    expect(mappingOf(template)).toMatchObject({
      EventSourceArn: SERVERLESS,
      AmazonManagedKafkaEventSourceConfig: { ConsumerGroupId: "test-shops-orders.0.0" },
    });
  });

  test("may be read by IAM: that cluster, topic and group, and no other", () => {
    const granted = statementsOf(template);
    const place = SERVERLESS.replace(":cluster/", ":*/").split(":*/");
    expect(granted["ConnectToCluster"]).toMatchObject({ Resource: [SERVERLESS] });
    expect(granted["ReadTopic"]).toEqual({
      Effect: "Allow",
      Action: ["kafka-cluster:DescribeTopic", "kafka-cluster:ReadData"],
      Resource: [`${place[0]}:topic/${place[1]}/shop.orders`],
    });
    expect(granted["JoinGroup"]).toMatchObject({ Resource: [`${place[0]}:group/${place[1]}/test-shops-orders.0.0`] });
    const actions = Object.values(granted).flatMap(({ Action }) => Action);
    expect(actions.filter((action) => action.includes("*"))).toEqual([]);
    expect(granted["PollInNetworkOnly"]).toMatchObject({ Effect: "Deny" });
  });

  test("by a secret: that one may be read and decrypted, and is nowhere else", () => {
    const scrammed = templateOf(msk({ clusterArn: CLUSTER, auth: scram(secret) }), { network: { vpc } });
    const granted = statementsOf(scrammed);
    expect(granted["ReadSecrets"]).toMatchObject({
      Resource: [secret.secretArn],
      Action: ["secretsmanager:GetSecretValue"],
    });
    expect(granted["DecryptSecrets"]).toMatchObject({ Action: ["kms:Decrypt"] });
    expect(granted).not.toHaveProperty("ReadTopic");
    expect(mappingOf(scrammed)["SourceAccessConfigurations"]).toEqual([
      { Type: "SASL_SCRAM_512_AUTH", URI: secret.secretArn },
    ]);
  });
});

test("a cluster of one's own in a VPC: Lambda is told the network, the authority and the login", () => {
  const cluster = selfManaged({ bootstrapServers: ["kafka:9092"], auth: mtls(secret), rootCa: secret, network });
  const mapping = mappingOf(templateOf(cluster, { network: { vpc } }));
  expect(mapping["SelfManagedEventSource"]).toEqual({ Endpoints: { KafkaBootstrapServers: ["kafka:9092"] } });
  const types = (mapping["SourceAccessConfigurations"] as { Type: string }[]).map(({ Type }) => Type);
  expect(new Set(types)).toEqual(
    new Set(["CLIENT_CERTIFICATE_TLS_AUTH", "SERVER_ROOT_CA_CERTIFICATE", "VPC_SUBNET", "VPC_SECURITY_GROUP"]),
  );
});

describe("a topic as a sink", () => {
  const sold = pipeline("shops", (flow) => {
    flow
      .from(kinesis("orders", { schema: z.object({ shop: z.string() }), eventTime: () => 0, disorder: { minutes: 1 } }))
      .to(kafkaTopic("sold", { shop: text }, { topic: "shop.sold" }));
  });
  const written = (cluster: KafkaCluster) =>
    provisioned(sold, { kafkaTopics: { sold: { cluster } }, network: { vpc } });

  test("may be written by IAM: that cluster and topic, and nothing else", () => {
    const granted = statementsOf(written(mskServerless({ clusterArn: SERVERLESS })));
    expect(granted["ProduceToCluster"]).toEqual({
      Effect: "Allow",
      Action: ["kafka-cluster:Connect", "kafka-cluster:WriteDataIdempotently"],
      Resource: [SERVERLESS],
    });
    expect(granted["WriteTopic"]).toMatchObject({
      Action: ["kafka-cluster:DescribeTopic", "kafka-cluster:WriteData"],
      Resource: [`${SERVERLESS.replace(":cluster/", ":topic/")}/shop.sold`],
    });
    expect(granted).not.toHaveProperty("PollInNetwork");
  });

  test("is refused without a cluster, and where the pipeline has none", () => {
    expect(() => provisioned(sold)).toThrow(/Say which cluster/);
    expect(() => templateOf(own(), { kafkaTopics: { sold: { cluster: own() } } })).toThrow(/for "sold"/);
  });
});

describe("a topic of Avro", () => {
  const ofAvro = pipeline("shops", (flow) => {
    flow
      .from(
        kafka("orders", {
          schema: z.object({ at: z.number() }),
          format: "avro",
          eventTime: ({ at }) => at,
          disorder: {},
        }),
      )
      .metric("sold");
  });
  const withRegistry = (registry: KafkaSettings["registry"]) =>
    provisioned(ofAvro, { kafka: { orders: { cluster: own(), ...(registry && { registry }) } } });
  const url = "https://registry.example.com";

  test("is read with the registry's address, and the login's, which no one else may read", () => {
    const template = withRegistry({ url, login: secret });
    const [target] = ofType(template, "AWS::Lambda::Function");
    const variables = (target!.Properties["Environment"] as { Variables: Record<string, unknown> }).Variables;
    const bound = JSON.stringify(variables[BINDINGS_VARIABLE]).replaceAll("\\", "");
    expect(bound).toContain(`"registryUrl":"${url}"`);
    expect(bound).toContain(`"registryLogin":"${secret.secretArn}"`);
    const granted = statementsOf(template);
    expect(granted["ReadSecrets"]).toMatchObject({ Resource: [secret.secretArn] });
    expect(granted).toHaveProperty("DecryptSecrets");
    expect(statementsOf(withRegistry({ url }))).not.toHaveProperty("ReadSecrets");
  });

  test("may have a registry without TLS in one's own network, if no login is sent there", () => {
    expect(() => withRegistry({ url: "http://registry.internal:8081" })).not.toThrow();
    expect(() => withRegistry({ url: "http://registry.internal:8081", login: secret })).toThrow(/not https/);
    expect(() => withRegistry({ url: "http://ann:secret@registry.internal" })).toThrow(/registry.url/);
    expect(() => withRegistry({ url: "registry" })).toThrow(/no URL/);
  });

  test("is refused without a registry, and a registry without Avro", () => {
    expect(() => withRegistry(undefined)).toThrow(/say where its schemas are/);
    expect(() => templateOf(own(), {}, { registry: { url } })).toThrow(/are JSON: leave it out/);
  });
});

describe("what cannot be is refused at synthesis", () => {
  test.each<[string, () => unknown, RegExp]>([
    ["a source without a cluster", () => provisioned(counted), /Say which cluster/],
    [
      "a cluster for no source",
      () => templateOf(own(), { kafka: { orders: { cluster: own() }, x: { cluster: own() } } }),
      /for "x"/,
    ],
    ["a private cluster, and functions outside", () => templateOf(msk({ clusterArn: CLUSTER })), /network/],
    [
      "SASL/PLAIN of MSK",
      () => templateOf(msk({ clusterArn: CLUSTER, auth: saslPlain(secret) }), { network: { vpc } }),
      /MSK takes/,
    ],
    [
      "a secret for a serverless cluster",
      () => templateOf(msk({ clusterArn: SERVERLESS, auth: scram(secret) }), { network: { vpc } }),
      /iam alone/,
    ],
    [
      "more pollers at least than at most",
      () => templateOf(own(), {}, { pollers: { minimum: 5, maximum: 2 } }),
      /pollers/,
    ],
  ])("%s", (_what, make, message) => expect(make).toThrow(message));
});
