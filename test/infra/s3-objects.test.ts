import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Duration, Stack, Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import type { CfnBucket } from "aws-cdk-lib/aws-s3";
import { Bucket, EventType, type IBucket } from "aws-cdk-lib/aws-s3";
import { SqsDestination } from "aws-cdk-lib/aws-s3-notifications";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { AwsSolutionsChecks } from "cdk-nag";
import { lake, pipeline, s3Objects, text } from "millrace";
import { MillracePipeline, type S3ObjectsSettings } from "millrace/cdk";
import { afterAll, describe, expect, test } from "vitest";
import * as z from "zod";
import { ofType, plain } from "./synthesized.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const validation = process.env["CDK_VALIDATION"];
process.env["CDK_VALIDATION"] = "false";
afterAll(() => {
  process.env["CDK_VALIDATION"] = validation;
});

const loading = pipeline("loading", (flow) => {
  flow.from(s3Objects("archive", { schema: z.object({ id: z.string() }) })).to(lake("taken", { id: text }));
});

type Own = (stack: Stack) => Partial<S3ObjectsSettings> | undefined;

function stackWith(own: Own = () => ({}), app = new App()) {
  const stack = new Stack(app, "test", { env: { account: "111111111111", region: "eu-central-1" } });
  const settings = own(stack);
  new MillracePipeline(stack, "Pipeline", {
    pipeline: loading,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...(settings && {
      s3Objects: { archive: { bucket: Bucket.fromBucketName(stack, "Archive", "archive"), ...settings } },
    }),
  });
  return Template.fromStack(stack);
}

interface Statement {
  readonly Sid: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

function statementsOf(template: Template): ReadonlyMap<string, Statement> {
  const [role] = Object.entries(template.findResources("AWS::IAM::Role")).filter(([id]) =>
    id.startsWith("Pipelinearchive"),
  );
  const { Policies } = (role![1] as { Properties: { Policies: { PolicyDocument: { Statement: Statement[] } }[] } })
    .Properties;
  return new Map(Policies[0]!.PolicyDocument.Statement.map((statement) => [statement.Sid, statement]));
}

const patternOf = (template: Template) =>
  ofType(template, "AWS::Events::Rule").map((r) => r.Properties["EventPattern"]);

describe("objects of a bucket", () => {
  test.each<[string, Partial<S3ObjectsSettings>, object | undefined]>([
    ["all of them", {}, undefined],
    ["by their prefix", { prefix: "in/" }, { key: [{ prefix: "in/" }] }],
    ["by their suffix", { suffix: ".jsonl" }, { key: [{ suffix: ".jsonl" }] }],
    [
      "by both, which may hold what is a wildcard",
      { prefix: "in*/", suffix: "\\.jsonl" },
      { key: [{ wildcard: "in\\*/*\\\\.jsonl" }] },
    ],
  ])("a rule tells a queue of %s", (_what, settings, object) => {
    const template = stackWith(() => settings);
    expect(patternOf(template)).toEqual([
      {
        source: ["aws.s3"],
        "detail-type": ["Object Created"],
        detail: { bucket: { name: ["archive"] }, ...(object && { object }) },
      },
    ]);
    const [rule] = ofType(template, "AWS::Events::Rule");
    expect(plain((rule!.Properties["Targets"] as { Arn: unknown }[])[0]!.Arn)).toMatch(/PipelineStreamsarchive\.Arn/);
    const policies = JSON.stringify(ofType(template, "AWS::SQS::QueuePolicy").map(({ Properties }) => Properties));
    expect(policies).toContain('"Sid":"TakeEvents"');
  });

  test("the function may read these objects, miss them, and have one read on; and lists nothing else", () => {
    const statements = statementsOf(stackWith(() => ({ prefix: "in/" })));
    expect(statements.get("ReadObjects")).toMatchObject({ Action: ["s3:GetObject", "s3:GetObjectVersion"] });
    expect(plain(statements.get("ReadObjects")!.Resource)).toMatch(/s3:::archive\/in\/\*$/);
    expect(statements.get("MissObjects")).toMatchObject({
      Action: "s3:ListBucket",
      Condition: { StringLikeIfExists: { "s3:prefix": ["in/*"] } },
    });
    expect(plain(statements.get("ReadOn")!.Resource)).toMatch(/PipelineStreamsarchive\.Arn/);
  });

  test("one object a batch, unless said otherwise; the bucket's key may be used; the queue's is SQS's", () => {
    const template = stackWith((stack) => ({
      bucket: Bucket.fromBucketAttributes(stack, "Locked", {
        bucketArn: "arn:aws:s3:::locked",
        encryptionKey: Key.fromKeyArn(stack, "Key", "arn:aws:kms:eu-central-1:111111111111:key/k"),
      }),
    }));
    const batches = ofType(template, "AWS::Lambda::EventSourceMapping").map(
      ({ Properties }) => Properties["BatchSize"],
    );
    expect(batches).toContain(1);
    expect(plain(statementsOf(template).get("UseKeys")!.Resource)).toBe("arn:aws:kms:eu-central-1:111111111111:key/k");
    const queues = ofType(template, "AWS::SQS::Queue").map(({ Properties }) => Properties);
    for (const properties of queues) expect(properties).not.toHaveProperty("KmsMasterKeyId");
  });

  test("a bucket that is made in the app tells EventBridge, said when it is made or after", () => {
    expect(() =>
      stackWith((stack) => ({ bucket: new Bucket(stack, "Own", { eventBridgeEnabled: true }) as IBucket })),
    ).not.toThrow();
    const eventBridgeConfiguration = { eventBridgeEnabled: true };
    expect(() =>
      stackWith((stack) => {
        const bucket = new Bucket(stack, "Own");
        (bucket.node.defaultChild as CfnBucket).notificationConfiguration = { eventBridgeConfiguration };
        return { bucket: bucket as IBucket };
      }),
    ).not.toThrow();
  });

  test("a queue that is told already is read, and no rule is made", () => {
    const template = stackWith((stack) => ({
      queue: new Queue(stack, "Told", {
        visibilityTimeout: Duration.seconds(360),
        deadLetterQueue: { queue: new Queue(stack, "Aside"), maxReceiveCount: 50 },
      }),
    }));
    expect(patternOf(template)).toEqual([]);
    const sources = ofType(template, "AWS::Lambda::EventSourceMapping").map(({ Properties }) => Properties);
    expect(sources.map(({ EventSourceArn }) => plain(EventSourceArn))).toContain("{Told.Arn}");
  });

  test.each<[string, Own, RegExp]>([
    ["no bucket", () => undefined, /s3Objects\.archive is not given.*say of which bucket/],
    [
      "a hasty queue",
      (stack) => ({ queue: Queue.fromQueueArn(stack, "F", "arn:aws:sqs:eu-central-1:111111111111:q.fifo") }),
      /FIFO/,
    ],
    [
      "a bucket of another region",
      (stack) => ({
        bucket: Bucket.fromBucketAttributes(stack, "Far", { bucketName: "far", region: "eu-west-1" }),
      }),
      /bucket is in the region eu-west-1.*eu-central-1/,
    ],
    [
      "a bucket of another account, which tells its own account's bus",
      (stack) => ({
        bucket: Bucket.fromBucketAttributes(stack, "Far", { bucketName: "far", account: "222222222222" }),
      }),
      /bucket is in the account 222222222222/,
    ],
    [
      "a bucket that is made in the app and tells nobody of its objects",
      (stack) => {
        const bucket = new Bucket(stack, "Silent");
        bucket.addEventNotification(EventType.OBJECT_CREATED, new SqsDestination(new Queue(stack, "Other")));
        return { bucket: bucket as IBucket };
      },
      /archive.bucket sends no events to EventBridge/,
    ],
    ["a suffix of a queue that is told", (stack) => ({ queue: new Queue(stack, "Q"), suffix: "x" }), /suffix is set/],
  ])("refused: %s", (_what, own, why) => {
    expect(() => stackWith(own)).toThrow(why);
  });
});

test("what a function sends to itself is no loop that Lambda ends", () => {
  for (const { Properties } of ofType(stackWith(), "AWS::Lambda::Function").filter(
    ({ Properties: p }) => "Environment" in p,
  ))
    expect(Properties["RecursiveLoop"]).toBe("Allow");
});

test("cdk-nag's AwsSolutions and CloudFormation's own rules are clean", () => {
  process.env["CDK_VALIDATION"] = "true";
  const app = new App({ outdir: temporaryDirectory("nag") });
  Validations.of(app).addPlugins(new AwsSolutionsChecks(app));
  stackWith(() => ({ prefix: "in/", suffix: ".jsonl" }), app);
  const report = JSON.parse(readFileSync(join(app.synth().directory, "validation-report.json"), "utf8")) as {
    readonly pluginReports: readonly { readonly violations: readonly { readonly ruleName: string }[] }[];
  };
  expect(report.pluginReports.flatMap(({ violations }) => violations.map(({ ruleName }) => ruleName))).toEqual([]);
});
