import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Table } from "aws-cdk-lib/aws-dynamodb";
import { Stream, StreamEncryption, type IStream } from "aws-cdk-lib/aws-kinesis";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks } from "cdk-nag";
import { kafkaRecords, kinesisRecords, replication, streamCopy, topicCopy, type Pipeline } from "millrace";
import {
  CopyPositions,
  MillracePipeline,
  mskServerless,
  selfManaged,
  unauthenticated,
  type MillracePipelineProps,
} from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { ofType, plain } from "./synthesized.ts";

const ENV = { account: "111111111111", region: "eu-central-1" };
const THERE = "arn:aws:kinesis:eu-west-1:222222222222:stream/orders";
const TABLE = "arn:aws:dynamodb:eu-west-1:222222222222:table/orders-positions";

const toDublin = () =>
  replication("to-dublin", {
    from: kinesisRecords("orders", { cluster: "frankfurt" }),
    to: streamCopy("orders_copy", { cluster: "dublin" }),
  });

function synthesized(pipeline: Pipeline, props: (stack: Stack) => Partial<MillracePipelineProps>) {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App();
  const stack = new Stack(app, "test", { env: ENV });
  const code = Code.fromInline("// none");
  new MillracePipeline(stack, "Pipeline", { pipeline, handler: "unused.ts", code, ...props(stack) });
  return { stack, template: Template.fromStack(stack) };
}

const elsewhere = (stack: Stack): Partial<MillracePipelineProps> => ({
  streamCopies: {
    orders_copy: {
      stream: Stream.fromStreamAttributes(stack, "There", {
        streamArn: THERE,
        encryptionKey: Key.fromKeyArn(stack, "Key", "arn:aws:kms:eu-west-1:222222222222:key/k"),
      }),
      positions: Table.fromTableArn(stack, "Positions", TABLE),
    },
  },
});

/** The statements of the stage's role that are about the sink. */
function statementsOf(template: Template) {
  const roles = ofType(template, "AWS::IAM::Role") as unknown as readonly {
    readonly Properties: {
      readonly Description?: string;
      readonly Policies: readonly {
        readonly PolicyDocument: {
          readonly Statement: readonly { Sid: string; Action: string | string[]; Resource: unknown }[];
        };
      }[];
    };
  }[];
  const stage = roles.find(({ Properties }) => Properties.Description?.startsWith("Runs the stage"))!;
  const { Statement } = stage.Properties.Policies[0]!.PolicyDocument;
  return new Map(
    Statement.map(({ Sid, Action, Resource }) => [
      Sid,
      { actions: [Action].flat(), resources: [Resource].flat().map(plain) },
    ]),
  );
}

function addressOf(template: Template, sink: string) {
  const [target] = ofType(template, "AWS::Lambda::Function");
  const { Variables } = target!.Properties["Environment"] as { Variables: Record<string, unknown> };
  return (JSON.parse(plain(Variables[BINDINGS_VARIABLE])) as { sinks: Record<string, unknown> }).sinks[sink];
}

describe("a copy to another region and account", () => {
  const { template } = synthesized(toDublin(), elsewhere);
  test("is told where stream and table are", () => {
    expect(addressOf(template, "orders_copy")).toEqual({
      streamArn: THERE,
      region: "eu-west-1",
      positions: "orders-positions",
      positionsRegion: "eu-west-1",
    });
  });

  test("may put records into that stream and lines into that table, with the stream's key, and nothing else there", () => {
    const statements = statementsOf(template);
    expect(statements.get("PutCopies")).toEqual({ actions: ["kinesis:PutRecords"], resources: [THERE] });
    expect(statements.get("NotePositions")).toEqual({
      actions: ["dynamodb:PutItem", "dynamodb:Query"],
      resources: [TABLE],
    });
    expect(statements.get("UseKeys")!.resources).toEqual(["arn:aws:kms:eu-west-1:222222222222:key/k"]);
    const there = [...statements.values()].filter(({ resources }) => resources.some((one) => one.includes("2222")));
    expect(there).toHaveLength(3);
  });
});

describe("a copy within the region", () => {
  const within = (stack: Stack) => ({
    streamCopies: { orders_copy: { stream: new Stream(stack, "There", { encryption: StreamEncryption.MANAGED }) } },
  });

  test("has a table of positions made for it, whose lines go by themselves", () => {
    const { template } = synthesized(toDublin(), within);
    const tables = template.findResources("AWS::DynamoDB::Table", {
      Properties: {
        KeySchema: [
          { AttributeName: "task", KeyType: "HASH" },
          { AttributeName: "place", KeyType: "RANGE" },
        ],
        TimeToLiveSpecification: { AttributeName: "$expires", Enabled: true },
      },
    });
    expect(Object.keys(tables)).toHaveLength(1);
    expect(addressOf(template, "orders_copy")).not.toHaveProperty("region");
    expect(Object.keys(template.toJSON()["Outputs"] as object)).toContain("SinkOrdersCopyPositionsTable");
  });

  test("is clean to cdk-nag", () => {
    const { stack } = synthesized(toDublin(), within);
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    expect(violations.map(({ ruleName }) => ruleName)).toEqual([]);
  });
});

test("a copy on Kafka is told its topic and table, and may write these", () => {
  const cluster = mskServerless({
    clusterArn: "arn:aws:kafka:eu-central-1:111111111111:cluster/one/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-s1",
    bootstrapServers: ["one:9098"],
  });
  const pipeline = replication("to-one", {
    from: kafkaRecords("orders", { cluster: "own" }),
    to: topicCopy("orders_copy", { cluster: "one", topic: "shop.orders" }),
  });
  const { template } = synthesized(pipeline, (stack) => ({
    kafka: { orders: { cluster: { ...cluster, isPublic: true } } },
    topicCopies: {
      orders_copy: {
        cluster: { ...cluster, isPublic: true },
        positions: Table.fromTableArn(stack, "Positions", TABLE),
      },
    },
  }));
  expect(addressOf(template, "orders_copy")).toMatchObject({
    topic: "shop.orders",
    auth: "iam",
    positions: "orders-positions",
    positionsRegion: "eu-west-1",
  });
  const statements = statementsOf(template);
  expect(statements.get("WriteTopic")!.resources).toEqual([
    "arn:aws:kafka:eu-central-1:111111111111:topic/one/6cc0432b-8618-4f44-bccc-e1fbd8fb7c4d-s1/shop.orders",
  ]);
  expect(statements.get("NotePositions")!.resources).toEqual([TABLE]);
});

test("a table of positions may be of a stack of its own, under a name that others know", () => {
  const stack = new Stack(new App(), "there", { env: { ...ENV, region: "eu-west-1" } });
  new CopyPositions(stack, "Positions", { tableName: "orders-positions" });
  Template.fromStack(stack).hasResourceProperties("AWS::DynamoDB::Table", {
    TableName: "orders-positions",
    DeletionProtectionEnabled: true,
  });
});

test.each([
  ["a copy without a stream", () => ({})],
  ["settings of a copy that is not there", (stack: Stack) => ({ ...elsewhere(stack), topicCopies: { others: undefined as never } })], // prettier-ignore
])("%s is refused", (_, props) => {
  expect(() => synthesized(toDublin(), props as typeof elsewhere)).toThrow(
    expect.objectContaining({ code: "provision/refused" }) as Error,
  );
});

describe("what would copy for ever is refused", () => {
  const arnOf = (region: string) => `arn:aws:kinesis:${region}:111111111111:stream/orders`;
  const NAMES = { frankfurt: "eu-central-1", dublin: "eu-west-1", paris: "eu-west-3" } as const;
  type Cluster = keyof typeof NAMES;

  /** An app that copies from one to the other, each way. @param made whether the streams are made in the app */
  function copying(ways: readonly (readonly [from: Cluster, to: Cluster, oneWay: boolean])[], made = false) {
    process.env["CDK_VALIDATION"] = "false";
    const app = new App();
    const stacks = new Map<Cluster, Stack>();
    const streams = new Map<Cluster, IStream>();
    for (const [name, region] of Object.entries(NAMES) as [Cluster, string][]) {
      const stack = new Stack(app, name, { env: { ...ENV, region } });
      stacks.set(name, stack);
      if (made) streams.set(name, new Stream(stack, "Orders", { streamName: "orders" }));
    }
    for (const [i, [from, to, oneWay]] of ways.entries()) {
      const stack = stacks.get(from)!;
      const known = (of: Cluster, id: string) => Stream.fromStreamArn(stack, `${id}${i}`, arnOf(NAMES[of]));
      new MillracePipeline(stack, `To${to}`, {
        pipeline: replication(`to-${to}-${i}`, {
          from: kinesisRecords("orders", { cluster: from }),
          to: streamCopy("orders_copy", { cluster: to, oneWay }),
        }),
        handler: "unused.ts",
        code: Code.fromInline("// none"),
        streams: { orders: { existing: streams.get(from) ?? known(from, "From") } },
        streamCopies: {
          orders_copy: { stream: known(to, "To"), positions: Table.fromTableArn(stack, `Positions${i}`, TABLE) },
        },
      });
    }
    return app;
  }

  test.each([true, false])("two that copy one way in a circle; the streams are made in the app: %s", (made) => {
    const app = copying([["frankfurt", "dublin", true], ["dublin", "frankfurt", true]], made); // prettier-ignore
    expect(() => app.synth()).toThrow(
      /"orders_copy" copies one way to arn:aws:kinesis:eu-west-1.*lead from there back/,
    );
  });

  test("a circle of three, of which one is one way", () => {
    const app = copying([["frankfurt", "dublin", true], ["dublin", "paris", false], ["paris", "frankfurt", false]]); // prettier-ignore
    expect(() => app.synth()).toThrow(/copies one way/);
  });

  test("and nothing else: both ways with marks, one way where nothing leads back", () => {
    expect(() => copying([["frankfurt", "dublin", false], ["dublin", "frankfurt", false]]).synth()).not.toThrow(); // prettier-ignore
    expect(() => copying([["frankfurt", "dublin", true], ["dublin", "paris", true]]).synth()).not.toThrow(); // prettier-ignore
  });

  test("a stream to itself, and a topic", () => {
    const own = (stack: Stack) => Stream.fromStreamArn(stack, "Own", arnOf("eu-central-1"));
    const itself = expect.objectContaining({ code: "provision/refused", message: expect.stringContaining("come from") as string }) as Error; // prettier-ignore
    expect(() =>
      synthesized(toDublin(), (stack) => {
        const existing = own(stack);
        return { streams: { orders: { existing } }, streamCopies: { orders_copy: { stream: existing } } };
      }),
    ).toThrow(itself);
    const cluster = selfManaged({ bootstrapServers: ["one:9092"], auth: unauthenticated() });
    const topics = replication("topics", {
      from: kafkaRecords("orders", { cluster: "here" }),
      to: topicCopy("orders_copy", { cluster: "there", topic: "orders" }),
    });
    expect(() => synthesized(topics, () => ({ kafka: { orders: { cluster } }, topicCopies: { orders_copy: { cluster } } }))).toThrow(itself); // prettier-ignore
  });
});
