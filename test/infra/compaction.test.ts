import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import { Code } from "aws-cdk-lib/aws-lambda";
import { AwsSolutionsChecks } from "cdk-nag";
import { day, kinesis, lake, pipeline, text, timestamp } from "millrace";
import { MillracePipeline, type CompactionSettings } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ofType, plain, provisioned } from "./synthesized.ts";

const clicks = kinesis("clicks", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (click) => click.at,
  disorder: { minutes: 1 },
});
const code = Code.fromInline("// none");
const networkIn = (stack: Stack) => ({
  vpc: Vpc.fromVpcAttributes(stack, "Vpc", { vpcId: "vpc-1", availabilityZones: ["a"] }),
  subnets: { subnets: [Subnet.fromSubnetId(stack, "Subnet", "subnet-1")] },
});
const columns = { page: text, at: timestamp };
const counted = pipeline("counted", (flow) => {
  const read = flow.from(clicks);
  read.to(lake("by_day", columns, { partitionBy: day("at", { from: "2024-01-01" }) }));
  read.filter("some", () => true).to(lake("by_arrival", columns));
});
const compaction = (settings: CompactionSettings = {}) => provisioned(counted, { lakes: { compaction: settings } });

const template = compaction({ every: { hours: 12 }, closedAfter: { hours: 2 }, fileMegabytes: 64 });
const started = ofType(template, "AWS::Events::Rule").filter(
  ({ Properties }) => !JSON.stringify(Properties).includes("sweep"),
);
const target = ofType(template, "AWS::Lambda::Function").find(({ Properties }) =>
  JSON.stringify(Properties["Environment"]).includes("MILLRACE_COMPACTION"),
)!;

describe("compaction's template", () => {
  test("is not there without the setting", () => {
    expect(ofType(provisioned(counted), "AWS::Lambda::Function")).toHaveLength(1);
  });

  test("every lake is named to the function by a schedule of its own, and only by it", () => {
    const inputs = started.map(({ Properties }) => {
      const [{ Input }] = Properties["Targets"] as [{ Input: string }];
      return JSON.parse(Input) as unknown;
    });
    const named = [
      { name: "page", type: "string" },
      { name: "at", type: "timestamp" },
    ];
    expect(inputs).toEqual([
      { name: "by_day", prefix: "data/by_day/", columns: named },
      { name: "by_arrival", prefix: "data/by_arrival/", columns: named },
    ]);
    expect(started.map(({ Properties }) => Properties["ScheduleExpression"])).toEqual([
      "rate(12 hours)",
      "rate(12 hours)",
    ]);
    const callers = ofType(template, "AWS::Lambda::Permission").map(({ Properties }) => Properties);
    expect(callers).toHaveLength(2);
    for (const caller of callers) {
      expect(caller["Principal"]).toBe("events.amazonaws.com");
      expect(plain(caller["SourceArn"])).toMatch(/^{PipelineCompactionby(day|arrival)\.Arn}$/);
    }
  });

  test("the function has its settings", () => {
    const { Variables } = target.Properties["Environment"] as { Variables: Record<string, unknown> };
    expect(plain(Variables["MILLRACE_COMPACTION"])).toBe(
      `{"bucket":"{PipelineLake}","closedAfterMillis":7200000,"largest":${64 * 1_024 * 1_024}}`,
    );
  });

  test("its role lists, reads and deletes files of the lakes, writes merged ones, and no more", () => {
    const role = ofType(template, "AWS::IAM::Role").find(
      ({ Properties }) => Properties["Description"] === "Merges files of lakes",
    )!;
    const [{ PolicyDocument }] = role.Properties["Policies"] as [
      { PolicyDocument: { Statement: { Action: unknown; Resource: unknown; Condition?: unknown }[] } },
    ];
    const readable = PolicyDocument.Statement.map(({ Action, Resource, Condition }) => ({
      actions: [Action].flat(),
      on: [Resource].flat().map(plain),
      ...(Condition === undefined ? {} : { Condition }),
    }));
    const below = (end: string) => ["by_day", "by_arrival"].map((name) => `{PipelineLake.Arn}/data/${name}/${end}`);
    expect(readable).toEqual([
      {
        actions: ["s3:ListBucket"],
        on: ["{PipelineLake.Arn}"],
        Condition: { StringLike: { "s3:prefix": ["data/by_day/", "data/by_arrival/"] } },
      },
      { actions: ["s3:DeleteObject", "s3:GetObject"], on: below("*") },
      { actions: ["s3:PutObject"], on: below("*/merged-*") },
      { actions: ["logs:CreateLogStream", "logs:PutLogEvents"], on: ["{PipelineCompactionLogs.Arn}"] },
    ]);
  });

  test.each<[CompactionSettings, RegExp]>([
    [{ every: { minutes: 59 } }, /lakes\.compaction\.every is 3540 seconds/],
    [{ every: { minutes: 90 } }, /lakes\.compaction\.every is 1\.5 hours/],
    [{ closedAfter: { days: 31 } }, /lakes\.compaction\.closedAfter/],
    [{ fileMegabytes: 257 }, /lakes\.compaction\.fileMegabytes is 257 MB; possible is .* from 16 to 256/],
  ])("refuses %j", (settings, message) => {
    expect(() => compaction(settings)).toThrow(message);
  });

  test("the function is in the pipeline's network, which Lambda joins and the function's code does not", () => {
    const stack = new Stack(new App(), "test");
    const network = networkIn(stack);
    const lakes = { compaction: {} };
    new MillracePipeline(stack, "Pipeline", { pipeline: counted, handler: "x.ts", code, lakes, network });
    const inNetwork = Template.fromStack(stack);
    const all = ofType(inNetwork, "AWS::Lambda::Function");
    expect(all).toHaveLength(2);
    for (const { Properties } of all) expect(Properties["VpcConfig"]).toMatchObject({ SubnetIds: ["subnet-1"] });
    const merges = ofType(inNetwork, "AWS::IAM::Role").find(
      ({ Properties }) => Properties["Description"] === "Merges files of lakes",
    )!;
    const policies = JSON.stringify(merges.Properties["Policies"]);
    expect(policies).toContain('"JoinNetwork"');
    expect(policies).toContain('"OnlyLambdaJoins"');
  });

  test.each([false, true])("cdk-nag finds nothing (in a network: %s)", (isInNetwork) => {
    const stack = new Stack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), "nag");
    const network = isInNetwork ? { network: networkIn(stack) } : {};
    const lakes = { compaction: {} };
    new MillracePipeline(stack, "Pipeline", { pipeline: counted, handler: "x.ts", code, lakes, ...network });
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    const own = violations.filter((one) => JSON.stringify(one).includes("Compaction"));
    expect(own.map(({ ruleName }) => ruleName)).toEqual([]);
  });
});
