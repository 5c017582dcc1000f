import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { describe, expect, it } from "vitest";
import { letsRuleSend, temporaryStack, type StackLiteral } from "./testing/temporary-stack.ts";

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const queue = { Type: "AWS::SQS::Queue" };
const rule = (properties: Readonly<Record<string, unknown>>) => ({
  Type: "AWS::Events::Rule",
  Properties: {
    ScheduleExpression: "rate(6 hours)",
    State: "ENABLED",
    Targets: [{ Id: "Target0", Arn: arnOf("Queue"), Input: '{"type":"sweep"}' }],
    ...properties,
  },
});
const template = (properties: Readonly<Record<string, unknown>> = {}): StackLiteral => ({
  Resources: { Queue: queue, Rule: rule(properties), Policy: letsRuleSend("Rule", "Queue") },
  Outputs: { Queue: { Value: { Ref: "Queue" } } },
});

describe("Schedules", () => {
  it("run when told, and then send each enabled rule's constant input to its queue, every time", async () => {
    const { Resources, ...rest } = template();
    const disabled = rule({ State: "DISABLED" });
    const { stack, notices, remove } = await temporaryStack({
      ...rest,
      Resources: { ...Resources, Disabled: disabled },
    });
    const { AWS_REGION: region = "" } = stack.environment;
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    const sqs = new SQSClient({ region, credentials, endpoint: stack.endpoints.sqs });
    const received = async (WaitTimeSeconds: number) => {
      const QueueUrl = stack.outputs["Queue"];
      const command = new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds });
      return ((await sqs.send(command)).Messages ?? []).map(({ Body }) => Body);
    };
    try {
      expect(notices).toEqual([]);
      expect(await received(0)).toEqual([]);
      for (let time = 0; time < 2; time++) {
        await stack.runSchedules();
        expect(await received(1)).toEqual(['{"type":"sweep"}']);
      }
    } finally {
      sqs.destroy();
      await remove();
    }
  });

  it.each([
    [{ EventPattern: { source: ["aws.s3"] } }, "it has a schedule beside its pattern"],
    [{ ScheduleExpression: undefined, EventPattern: { source: ["aws.s3"] } }, "of events only objects"],
    [{ ScheduleExpression: undefined }, "only rules with a schedule"],
    [
      { Targets: [{ Id: "a", Arn: "arn:aws:lambda:us-east-1:000000000000:function:f", Input: "{}" }] },
      "a function that no given template defines",
    ],
    [{ Targets: [{ Id: "a", Arn: arnOf("Queue") }] }, "is not constant"],
  ])("a rule that cannot be run as on AWS is refused: %j", async (properties, why) => {
    await expect(temporaryStack(template(properties))).rejects.toThrow(why);
  });
});
