import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { Stream, StreamEncryption } from "aws-cdk-lib/aws-kinesis";
import { Code } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks } from "cdk-nag";
import { kinesis } from "millrace";
import { HttpIngest, type HttpIngestProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ofType, plain } from "./synthesized.ts";

const orders = kinesis("orders", { schema: z.object({ shop: z.string() }), eventTime: () => 0, disorder: {} });

function stackWith(props: Partial<HttpIngestProps> = {}, streamOf = (stack: Stack) => new Stream(stack, "Orders")) {
  process.env["CDK_VALIDATION"] = "false";
  const app = new App();
  const stack = new Stack(app, "test");
  const code = Code.fromInline("// none");
  const ingest = new HttpIngest(stack, "Ingest", {
    source: orders,
    stream: streamOf(stack),
    handler: "unused.ts",
    code,
    ...props,
  });
  return { app, stack, ingest, template: Template.fromStack(stack) };
}

interface Statement {
  readonly Sid: string;
  readonly Action: string;
  readonly Resource: unknown;
}
const allowed = (template: Template) => {
  const [role] = ofType(template, "AWS::IAM::Role");
  const [{ PolicyDocument }] = role!.Properties["Policies"] as [{ PolicyDocument: { Statement: Statement[] } }];
  return PolicyDocument.Statement.map(({ Sid, Action, Resource }) => [Sid, Action, plain(Resource)]);
};

const jwt = { issuer: "https://issuer.example.com", audience: ["orders"] };

describe("who may send", () => {
  test("is whom IAM lets, where nothing is said", () => {
    const { template } = stackWith();
    expect(ofType(template, "AWS::Lambda::Url").map(({ Properties }) => Properties["AuthType"])).toEqual(["AWS_IAM"]);
    expect(ofType(template, "AWS::Lambda::Permission")).toEqual([]);
    expect(ofType(template, "AWS::ApiGatewayV2::Api")).toEqual([]);
  });

  test("is who has a token, by an HTTP API that looks at it, with access logs", () => {
    const { template, ingest, stack } = stackWith({ auth: { jwt } });
    expect(ofType(template, "AWS::Lambda::Url")).toEqual([]);
    const [authorizer] = ofType(template, "AWS::ApiGatewayV2::Authorizer");
    expect(authorizer!.Properties).toMatchObject({
      AuthorizerType: "JWT",
      JwtConfiguration: { Issuer: jwt.issuer, Audience: jwt.audience },
    });
    const routes = ofType(template, "AWS::ApiGatewayV2::Route").map(({ Properties }) => Properties);
    expect(routes).toMatchObject([{ RouteKey: "POST /events", AuthorizationType: "JWT" }]);
    const [stage] = ofType(template, "AWS::ApiGatewayV2::Stage");
    expect(stage!.Properties["AccessLogSettings"]).toBeDefined();
    expect(plain(stack.resolve(ingest.url))).toMatch(/\/events$/);
  });

  test("is everyone only where that is said", () => {
    const { template } = stackWith({ auth: "public" });
    expect(ofType(template, "AWS::Lambda::Url").map(({ Properties }) => Properties["AuthType"])).toEqual(["NONE"]);
  });
});

test("the function may put into exactly this stream, and use its key to do so", () => {
  const { template } = stackWith({}, (stack) => {
    const encryptionKey = new Key(stack, "Key");
    return new Stream(stack, "Orders", { encryption: StreamEncryption.KMS, encryptionKey });
  });
  expect(allowed(template)).toEqual([
    ["PutEvents", "kinesis:PutRecords", "{Orders.Arn}"],
    ["WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], "{IngestLogs.Arn}"],
    ["UseKey", "kms:GenerateDataKey", "{Key.Arn}"],
  ]);
  expect(allowed(stackWith().template).map(([sid]) => sid)).toEqual(["PutEvents", "WriteLogs"]);
});

test("the function is told its source and stream; what it may cost is bounded", () => {
  const { template } = stackWith({ reservedConcurrency: 5 });
  const [{ Properties }] = ofType(template, "AWS::Lambda::Function") as unknown as [
    { Properties: Record<string, unknown> },
  ];
  const { Variables } = Properties["Environment"] as { Variables: Record<string, unknown> };
  expect(JSON.parse(plain(Variables["MILLRACE_INGEST"]))).toEqual({ source: "orders", stream: "{Orders}" });
  expect(Properties).toMatchObject({ ReservedConcurrentExecutions: 5, MemorySize: 512, Timeout: 15 });
  expect(() => stackWith({ reservedConcurrency: 0 })).toThrow(/1 to 100000/);
  expect(() => stackWith({ memory: 100 })).toThrow(/128 to 10240/);
});

test.each([["iam"], ["public"], [{ jwt }]] as const)("the stack is clean to cdk-nag: %o", (auth) => {
  const { app } = stackWith({ auth });
  const rules = new AwsSolutionsChecks(app).validateScope(app).violations.map(({ ruleName }) => ruleName);
  expect(rules.filter((rule) => !/KDS/.test(rule))).toEqual([]); // the stream is the test's
});
