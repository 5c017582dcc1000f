import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Stack, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AttributeType, BillingMode, StreamViewType, Table, TableV2 } from "aws-cdk-lib/aws-dynamodb";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks } from "cdk-nag";
import { dynamoStream, lake, pipeline, text } from "millrace";
import { MillracePipeline, type TableStreamSettings } from "millrace/cdk";
import { afterAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { BINDINGS_VARIABLE, readBindings } from "../../lib/plan/bindings.ts";
import { ofType, plain, resourcesOf } from "./synthesized.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const key = z.object({ id: z.string() });
const changesOf = (before: "row" | "none") =>
  pipeline("changes", (flow) => {
    flow
      .from(dynamoStream("orders", { row: key, key, before, disorder: { seconds: 1 } }))
      .map("op", ({ op }) => ({ op }))
      .to(lake("ops", { op: text }));
  });

const STREAM = "arn:aws:dynamodb:eu-central-1:111111111111:table/orders/stream/2024-01-01T00:00:00.000";

function stackWith(
  settings: (stack: Stack) => TableStreamSettings | undefined,
  before: "row" | "none" = "row",
  app = new App(),
): Stack {
  const stack = new Stack(app, "test", { env: { account: "111111111111", region: "eu-central-1" } });
  const orders = settings(stack);
  new MillracePipeline(stack, "Pipeline", {
    pipeline: changesOf(before),
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...(orders && { tableStreams: { orders } }),
  });
  return stack;
}

const tableWith = (stack: Stack, stream?: StreamViewType) =>
  new Table(stack, "Orders", {
    partitionKey: { name: "id", type: AttributeType.STRING },
    billingMode: BillingMode.PAY_PER_REQUEST,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    ...(stream && { stream }),
  });
const both = (stack: Stack) => ({ table: tableWith(stack, StreamViewType.NEW_AND_OLD_IMAGES) });
const given = (stack: Stack, encryptionKey?: Key) => ({
  table: Table.fromTableAttributes(stack, "Orders", {
    tableArn: STREAM.split("/stream/")[0]!,
    tableStreamArn: STREAM,
    ...(encryptionKey && { encryptionKey }),
  }),
});

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

function statementsOf(template: Template): readonly Statement[] {
  const [, role] = Object.entries(resourcesOf(template)).find(
    ([id, { Type }]) => Type === "AWS::IAM::Role" && plain({ Ref: id }) === "{PipelineordersRole}",
  )!;
  return (role.Properties["Policies"] as [{ PolicyDocument: { Statement: Statement[] } }])[0].PolicyDocument.Statement;
}

const validation = process.env["CDK_VALIDATION"];
afterAll(() => {
  if (validation === undefined) delete process.env["CDK_VALIDATION"];
  else process.env["CDK_VALIDATION"] = validation;
});

describe("the stream of a table", () => {
  process.env["CDK_VALIDATION"] = "false";
  const made = Template.fromStack(stackWith(both));

  test("X6: has one mapping, that never gives up", () => {
    const [mapping, ...others] = ofType(made, "AWS::Lambda::EventSourceMapping")
      .map(({ Properties }) => Properties)
      .filter((properties) => "StartingPosition" in properties);
    expect(others).toEqual([]);
    expect(plain(mapping!["EventSourceArn"])).toBe("{Orders.StreamArn}");
    expect(mapping).toMatchObject({
      StartingPosition: "TRIM_HORIZON",
      BisectBatchOnFunctionError: true,
      FunctionResponseTypes: ["ReportBatchItemFailures"],
      MaximumRecordAgeInSeconds: -1,
      MaximumRetryAttempts: -1,
      ParallelizationFactor: 1,
    });
    const { OnFailure } = mapping!["DestinationConfig"] as { readonly OnFailure: { readonly Destination: unknown } };
    expect(plain(OnFailure.Destination)).toBe("{PipelineOnFailure.Arn}");
    expect(mapping).not.toHaveProperty("TumblingWindowInSeconds");
  });

  test("is read by its stage's function, which may do nothing else with the table", () => {
    const own = statementsOf(made).filter(({ Resource }) => JSON.stringify(plain(Resource)).includes("Orders"));
    expect(own.map(({ Sid, Action, Resource }) => [Sid, Action, plain(Resource)])).toEqual([
      [
        "ReadTableStream",
        ["dynamodb:DescribeStream", "dynamodb:GetRecords", "dynamodb:GetShardIterator", "dynamodb:ListStreams"],
        "{Orders.StreamArn}",
      ],
    ]);
    expect(ofType(made, "AWS::Kinesis::Stream")).toEqual([]);
  });

  test("is told to the function, with the images that it must have", () => {
    const [target] = ofType(made, "AWS::Lambda::Function").map(({ Properties }) => Properties);
    const { Variables } = target!["Environment"] as { readonly Variables: Readonly<Record<string, unknown>> };
    const { source } = readBindings({ [BINDINGS_VARIABLE]: plain(Variables[BINDINGS_VARIABLE]) });
    expect(source).toMatchObject({
      connector: "dynamodb-stream",
      address: { streamArn: "{Orders.StreamArn}", images: "new-and-old" },
      incarnation: 0,
    });
  });

  test("may be of a table that is there already, with a key of its own", () => {
    const arn = "arn:aws:kms:eu-central-1:111111111111:key/k";
    const template = Template.fromStack(
      stackWith((stack) => given(stack, Key.fromKeyArn(stack, "Key", arn) as Key), "none"),
    );
    const statements = statementsOf(template);
    expect(statements.find(({ Sid }) => Sid === "ReadTableStream")!.Resource).toBe(STREAM);
    expect(statements.find(({ Sid }) => Sid === "UseKeys")!.Resource).toBe(arn);
  });

  test("has an alarm of its iterator's age: a quarter of the day that DynamoDB keeps records", () => {
    const [age] = ofType(made, "AWS::CloudWatch::Alarm")
      .map(({ Properties }) => Properties)
      .filter(({ MetricName }) => MetricName === "IteratorAge");
    expect(age!["Threshold"]).toBe(6 * 3_600_000);
  });
});

describe("what cannot be is refused at synthesis", () => {
  test.each<[string, (stack: Stack) => TableStreamSettings | undefined, "row" | "none", RegExp]>([
    ["no table", () => undefined, "none", /tableStreams\.orders is not given/],
    ["a table without a stream", (stack) => ({ table: tableWith(stack) }), "none", /without a stream/],
    ["keys alone", (stack) => ({ table: tableWith(stack, StreamViewType.KEYS_ONLY) }), "none", /KEYS_ONLY/],
    ["old images alone", (stack) => ({ table: tableWith(stack, StreamViewType.OLD_IMAGE) }), "none", /OLD_IMAGE/],
    [
      "new images alone, where rows before are needed",
      (stack) => ({ table: tableWith(stack, StreamViewType.NEW_IMAGE) }),
      "row",
      /NEW_IMAGE, .*needs NEW_AND_OLD_IMAGES/,
    ],
    [
      "new images alone of a global table",
      (stack) => ({
        table: new TableV2(stack, "Orders", {
          partitionKey: { name: "id", type: AttributeType.STRING },
          dynamoStream: StreamViewType.NEW_IMAGE,
        }),
      }),
      "row",
      /NEW_IMAGE/,
    ],
    ["an incarnation that is none", (stack) => ({ ...both(stack), incarnation: -1 }), "row", /incarnation/],
  ])("%s", (_what, settings, before, why) => {
    expect(() => stackWith(settings, before)).toThrow(why);
  });

  test("a table for a source that the pipeline does not have", () => {
    const stack = new Stack(new App(), "test", { env: { account: "111111111111", region: "eu-central-1" } });
    const { table } = both(stack);
    const named = { orders: { table }, ordres: { table } };
    const props = { pipeline: changesOf("none"), handler: "unused.ts", code: Code.fromInline("// none") };
    expect(() => new MillracePipeline(stack, "Pipeline", { ...props, tableStreams: named })).toThrow(
      /for "ordres".*dynamoStreams are orders/,
    );
  });

  test("new images are enough where no row before is needed", () => {
    expect(() => stackWith((stack) => ({ table: tableWith(stack, StreamViewType.NEW_IMAGE) }), "none")).not.toThrow();
  });
});

test("cdk-nag's AwsSolutions and CloudFormation's own rules are clean", () => {
  process.env["CDK_VALIDATION"] = "true";
  const outdir = temporaryDirectory("nag");
  const app = new App({ outdir });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  stackWith(both, "row", app);
  const report = JSON.parse(readFileSync(join(app.synth().directory, "validation-report.json"), "utf8")) as {
    readonly pluginReports: readonly { readonly violations: readonly { readonly ruleName: string }[] }[];
  };
  expect(report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName))).toEqual([]);
});
