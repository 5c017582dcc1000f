import { Stack, type App } from "aws-cdk-lib";
import { AttributeType, StreamViewType, Table } from "aws-cdk-lib/aws-dynamodb";
import { Peer, Port, SecurityGroup, Vpc } from "aws-cdk-lib/aws-ec2";
import { Stream, StreamEncryption } from "aws-cdk-lib/aws-kinesis";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import {
  dynamoStream,
  eventBus,
  kafka,
  kafkaTopic,
  kinesis,
  lake,
  nullable,
  pipeline,
  queue,
  stream,
  text,
  topic,
  view,
  webhook,
} from "millrace";
import { HttpIngest, MillracePipeline, msk, mskServerless, mtls, scram, selfManaged, ViewQuery } from "millrace/cdk";
import { z } from "zod";

const at = z.number();
const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { seconds: 10 } } as const;
const clicks = kinesis("clicks", { schema: z.object({ shop: z.string(), at }), ...timed });
const orders = kafka("orders", { schema: z.object({ shop: z.string(), at }), ...timed });
const returns = kafka("returns", { schema: z.object({ shop: z.string(), at }), format: "avro", ...timed });
const shops = dynamoStream("shops", {
  row: z.object({ id: z.string(), name: z.string() }),
  key: z.object({ id: z.string() }),
  disorder: { seconds: 2 },
});

const SHAPE = { shop: text };
const rows = { key: { shop: text }, columns: { name: nullable(text) } };

/** Sources and sinks of every kind, and a join. */
export const everything = pipeline("everything", (flow) => {
  const named = flow.from(shops).toTable("shops-by-id", { key: { shop: (key) => key.id } });
  const events = flow.from(orders).union("events", flow.from(returns), flow.from(clicks));
  events
    .keyBy("events-by-shop", { shop: (event) => event.shop })
    .join("with-name", named, ({ shop }, row) => ({ shop, name: row?.name }))
    .to(view("current", rows));
  flow
    .from(kinesis("slim", { schema: z.object({ shop: z.string(), at }), ...timed }))
    .map("slim-rows", ({ shop }) => ({ shop }))
    .to(kafkaTopic("sold", SHAPE, { key: (row) => row.shop }))
    .to(kafkaTopic("archived", SHAPE))
    .to(queue("alerts", SHAPE))
    .to(queue("ordered", SHAPE, { fifo: { groupId: (row) => row.shop } }))
    .to(stream("enriched", SHAPE, { key: { shop: (row) => row.shop } }))
    .to(topic("closed", SHAPE))
    .to(eventBus("bus", SHAPE, { source: "com.example", detailType: "Shop" }))
    .to(webhook("closings", SHAPE))
    .to(lake("files", SHAPE));
});

const CLUSTER = "arn:aws:kafka:eu-west-1:111111111111:cluster/sales/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-2";
const SERVERLESS = "arn:aws:kafka:eu-west-1:111111111111:cluster/sales/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-s1";

/**
 * A stack that has every construct of the library that the app's own pipelines do not have, so that cfn-lint and cdk-nag look at
 * them too. Its functions have no code: it is never deployed.
 */
export function addConnectors(app: App): Stack {
  const stack = new Stack(app, "connectors", { env: { account: "111111111111", region: "eu-west-1" } });
  const vpc = Vpc.fromVpcAttributes(stack, "Network", {
    vpcId: "vpc-11111111",
    availabilityZones: ["eu-west-1a", "eu-west-1b"],
    privateSubnetIds: ["subnet-11111111", "subnet-22222222"],
  });
  const brokers = new SecurityGroup(stack, "Brokers", { vpc, description: "Brokers", allowAllOutbound: false });
  brokers.addIngressRule(Peer.ipv4("10.0.0.0/16"), Port.tcp(9094), "Kafka");
  const secretOf = (name: string) => Secret.fromSecretCompleteArn(stack, name, secretArn(name));
  const network = { vpc, securityGroups: [brokers] };
  const ownCluster = selfManaged({
    bootstrapServers: ["kafka-1.example.com:9094"],
    auth: mtls(secretOf("Certificate")),
    rootCa: secretOf("Authority"),
    network,
  });
  const code = Code.fromInline("// none");
  const clicked = new Stream(stack, "Clicks", { encryption: StreamEncryption.MANAGED });
  const made = new MillracePipeline(stack, "Pipeline", {
    pipeline: everything,
    handler: "unused.ts",
    code,
    network,
    streams: { clicks: { existing: clicked, retention: { days: 7 } } },
    kafka: {
      orders: { cluster: msk({ clusterArn: CLUSTER, auth: scram(secretOf("AmazonMSK_login")) }) },
      returns: {
        cluster: ownCluster,
        registry: { url: "https://registry.example.com", login: secretOf("Registry") },
      },
    },
    kafkaTopics: { sold: { cluster: mskServerless({ clusterArn: SERVERLESS }) }, archived: { cluster: ownCluster } },
    tableStreams: {
      shops: {
        table: new Table(stack, "Shops", {
          partitionKey: { name: "id", type: AttributeType.STRING },
          stream: StreamViewType.NEW_IMAGE,
          pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
        }),
      },
    },
    webhooks: { closings: { url: "https://example.com/closings", signing: secretOf("Webhook") } },
  });
  new ViewQuery(stack, "Query", { table: made.viewTable("current"), handler: "unused.ts", code });
  new HttpIngest(stack, "Ingest", { source: clicks, stream: clicked, handler: "unused.ts", code });
  new HttpIngest(stack, "TokenIngest", {
    source: clicks,
    stream: clicked,
    handler: "unused.ts",
    code,
    auth: { jwt: { issuer: "https://issuer.example.com", audience: ["clicks"] } },
  });
  return stack;
}

const secretArn = (name: string) => `arn:aws:secretsmanager:eu-west-1:111111111111:secret:${name}-a1b2c3`;
