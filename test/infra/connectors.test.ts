import { App } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { AwsSolutionsChecks } from "cdk-nag";
import { beforeAll, describe, expect, test } from "vitest";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { addConnectors, everything } from "./connectors/stack.ts";
import { ofType } from "./synthesized.ts";

describe("a stack with what the app's own pipelines do not have", () => {
  let stack: ReturnType<typeof addConnectors>;
  let template: Template;
  beforeAll(() => {
    process.env["CDK_VALIDATION"] = "false";
    stack = addConnectors(new App());
    template = Template.fromStack(stack);
  });

  test("has sources and sinks of these kinds", () => {
    const sources = nodesOf(everything, "source").map(({ source }) => source.connector);
    expect(new Set(sources)).toEqual(new Set(["kinesis", "kafka", "dynamodb-stream"]));
    const sinks = new Set(nodesOf(everything, "sink").map(({ sink }) => sink.connector));
    const kinds = ["view", "kafkaTopic", "queue", "stream", "topic", "event-bus", "webhook", "lake"];
    expect(sinks).toEqual(new Set(kinds));
    expect(
      ofType(template, "AWS::Lambda::EventSourceMapping").filter((one) => "Topics" in one.Properties),
    ).toHaveLength(2);
    expect(ofType(template, "AWS::Lambda::Url")).toHaveLength(2);
    expect(ofType(template, "AWS::ApiGatewayV2::Api")).toHaveLength(1);
  });

  test("cdk-nag finds nothing", () => {
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    expect(violations.map(({ ruleName, violatingResources }) => [ruleName, violatingResources])).toEqual([]);
  });

  test("an output's description is a plain text: CloudFormation takes no other", () => {
    const outputs = template.toJSON()["Outputs"] as Record<string, { readonly Description?: unknown }>;
    for (const [name, { Description = "" }] of Object.entries(outputs))
      expect([name, typeof Description]).toEqual([name, "string"]);
  });
});
