import { join } from "node:path";
import { CloudFormationClient, DescribeStacksCommand } from "@aws-sdk/client-cloudformation";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  functionResource,
  letsRuleSend,
  temporaryStack,
  writeTemplate,
  type TemporaryStack,
} from "./testing/temporary-stack.ts";

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });

/** A function that prints its word for each message that a rule sends. */
const template = (
  properties: Readonly<Record<string, unknown>> = {},
  more: Readonly<Record<string, unknown>> = {},
) => ({
  Resources: {
    Queue: { Type: "AWS::SQS::Queue" },
    Says: functionResource("says", properties),
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: { EventSourceArn: arnOf("Queue"), FunctionName: { Ref: "Says" } },
    },
    Rule: {
      Type: "AWS::Events::Rule",
      Properties: { ScheduleExpression: "rate(1 hour)", Targets: [{ Id: "T", Arn: arnOf("Queue"), Input: "{}" }] },
    },
    Policy: letsRuleSend("Rule", "Queue"),
    ...more,
  },
  Outputs: { Queue: { Value: { Ref: "Queue" } }, Markup: { Value: "a<b&c" } },
});

const says = (word: string) => ({
  says: {
    "index.js": `exports.handler = async () => console.log(JSON.stringify({ said: 1, word: process.env.WORD ?? "${word}",
      _aws: { CloudWatchMetrics: [{ Namespace: "T", Dimensions: [["word"]], Metrics: [{ Name: "said" }] }] } }));`,
  },
});

let local: TemporaryStack;
beforeAll(async () => {
  local = await temporaryStack(template(), says("old"));
});
afterAll(() => local.remove());

const counts = () =>
  Object.fromEntries(
    local.stack
      .metrics()
      .flatMap(({ namespace, dimensions, sum }) => (namespace === "T" ? [[dimensions["word"]!, sum]] : [])),
  );

async function until(holds: () => boolean): Promise<void> {
  for (let look = 0; look < 400 && !holds(); look++) await new Promise((resolve) => setTimeout(resolve, 25));
}

describe("an update", () => {
  it("has what comes after it run by the new code with its settings", async () => {
    await local.stack.runSchedules();
    await until(() => counts()["old"] === 1);
    await local.stack.update([writeTemplate(join(local.directory, "second"), template(), says("new"))]);
    await local.stack.runSchedules();
    await until(() => counts()["new"] === 1);
    expect(counts()).toEqual({ old: 1, new: 1 });

    const Environment = { Variables: { WORD: "set" } };
    await local.stack.update([writeTemplate(join(local.directory, "third"), template({ Environment }), says("new"))]);
    await local.stack.runSchedules();
    await until(() => counts()["set"] === 1);
    expect(counts()).toEqual({ old: 1, new: 1, set: 1 });
  });

  it("makes and removes nothing", async () => {
    const larger = template({}, { Other: { Type: "AWS::SQS::Queue" } });
    const path = writeTemplate(join(local.directory, "larger"), larger, says("new"));
    await expect(local.stack.update([path])).rejects.toThrow("makes and removes nothing here: Other");
  });
});

it("CloudFormation tells a stack's outputs, and that there is no other stack", async () => {
  const { stack } = local;
  const client = new CloudFormationClient({
    endpoint: stack.endpoints.cloudformation,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
  try {
    const { Stacks } = await client.send(new DescribeStacksCommand({ StackName: "Test" }));
    expect(Stacks?.[0]?.Outputs?.map(({ OutputKey, OutputValue }) => [OutputKey, OutputValue])).toEqual(
      Object.entries(stack.outputs),
    );
    await expect(client.send(new DescribeStacksCommand({ StackName: "Other" }))).rejects.toThrow("does not exist");
  } finally {
    client.destroy();
  }
});

it("EventBridge switches a rule off and on again", async () => {
  const { stack } = local;
  const call = async (operation: string, input: unknown) => {
    const answer = await fetch(stack.endpoints.eventbridge, {
      method: "POST",
      headers: { "x-amz-target": `AWSEvents.${operation}` },
      body: JSON.stringify(input),
    });
    return { status: answer.status, body: await answer.json() };
  };
  const sent = () =>
    stack
      .metrics()
      .reduce((sum, one) => sum + (one.namespace === "AWS/Events" && one.name === "Invocations" ? one.sum : 0), 0);
  const sends = async () => {
    const before = sent();
    await stack.runSchedules();
    return sent() - before;
  };
  const Name = "Test-Rule";
  expect(await call("DisableRule", { Name })).toEqual({ status: 200, body: {} });
  expect(await call("ListRules", { NamePrefix: "Test" })).toMatchObject({
    body: { Rules: [{ Name, State: "DISABLED" }] },
  });
  expect(await sends()).toBe(0);
  await call("EnableRule", { Name });
  expect(await sends()).toBe(1);
  expect(await call("EnableRule", { Name: "none" })).toMatchObject({
    status: 400,
    body: { __type: "ResourceNotFoundException" },
  });
});
