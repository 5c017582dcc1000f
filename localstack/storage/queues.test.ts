import {
  GetQueueAttributesCommand,
  ListMessageMoveTasksCommand,
  ReceiveMessageCommand,
  SendMessageCommand,
  SQSClient,
  StartMessageMoveTaskCommand,
} from "@aws-sdk/client-sqs";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { eventually, temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";
import { letsSend } from "./queue-policies.ts";

const arnOf = (logicalId: string) => ({ "Fn::GetAtt": [logicalId, "Arn"] });
const queue = (to?: string) => ({
  Type: "AWS::SQS::Queue",
  Properties: to === undefined ? {} : { RedrivePolicy: { deadLetterTargetArn: arnOf(to), maxReceiveCount: 1 } },
});
const alarm = {
  Type: "AWS::CloudWatch::Alarm",
  Properties: {
    ...{ Namespace: "AWS/SQS", MetricName: "ApproximateNumberOfMessagesVisible", Statistic: "Maximum", Period: 60 },
    ...{ Dimensions: [{ Name: "QueueName", Value: { "Fn::GetAtt": ["Alone", "QueueName"] } }], Threshold: 0 },
    ...{ ComparisonOperator: "GreaterThanThreshold", EvaluationPeriods: 1, TreatMissingData: "notBreaching" },
  },
};
const names = ["First", "Second", "Aside", "Alone"] as const;

let local: TemporaryStack;
let sqs: SQSClient;
beforeAll(async () => {
  local = await temporaryStack({
    Resources: { First: queue("Aside"), Second: queue("Aside"), Aside: queue(), Alone: queue(), Deep: alarm },
    Outputs: Object.fromEntries(names.map((name) => [name, { Value: { Ref: name } }])),
  });
  sqs = new SQSClient({
    ...{ region: "us-east-1", endpoint: local.stack.endpoints.sqs, maxAttempts: 1 },
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
  });
});
afterAll(async () => {
  sqs.destroy();
  await local.remove();
});

type Name = (typeof names)[number];
const urlOf = (name: Name) => local.stack.outputs[name]!;
const send = (name: Name, MessageBody: string) =>
  sqs.send(new SendMessageCommand({ QueueUrl: urlOf(name), MessageBody }));
async function receive(name: Name, VisibilityTimeout = 30): Promise<string[]> {
  const request = { QueueUrl: urlOf(name), MaxNumberOfMessages: 10, VisibilityTimeout };
  return ((await sqs.send(new ReceiveMessageCommand(request))).Messages ?? []).map(({ Body }) => Body!).sort();
}
const depth = async (name: Name) => {
  const AttributeNames = ["ApproximateNumberOfMessages" as const];
  const { Attributes } = await sqs.send(new GetQueueAttributesCommand({ QueueUrl: urlOf(name), AttributeNames }));
  return Number(Attributes?.ApproximateNumberOfMessages);
};
const arn = (name: Name) => `arn:aws:sqs:us-east-1:000000000000:${urlOf(name).split("/").at(-1)!}`;
const move = (SourceArn: string, DestinationArn?: string) =>
  sqs.send(new StartMessageMoveTaskCommand({ SourceArn, DestinationArn }));

/** Puts into the queue of what is set aside what two queues could not deliver. */
async function setAside(): Promise<void> {
  for (const name of ["First", "Second"] as const) {
    await send(name, name);
    expect(await receive(name, 0)).toEqual([name]);
    expect(await receive(name, 0)).toEqual([]);
  }
}

it("hidden messages of a queue that nobody reads are visible again when their time is over", async () => {
  const raised = async () => (await local.stack.passMinutes(1)).map((one) => "state" in one && one.state);
  await send("Alone", "a");
  expect(await raised()).toEqual(["ALARM"]);
  expect(await receive("Alone", 1)).toEqual(["a"]);
  expect(await raised()).toEqual(["OK"]);
  expect(await eventually(async () => (await raised())[0] === "ALARM")).toBe(true);
});

describe("a message move task", () => {
  it("gives each message back to the queue that set it aside", async () => {
    await setAside();
    const SourceArn = arn("Aside");
    await move(SourceArn);
    expect(await receive("First")).toEqual(["First"]);
    expect(await receive("Second")).toEqual(["Second"]);
    expect(await depth("Aside")).toBe(0);
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn }));
    expect(Results).toMatchObject([{ Status: "COMPLETED", ApproximateNumberOfMessagesMoved: 2 }]);
  });

  it("gives all to one queue that is named, and leaves what has none to go back to", async () => {
    await setAside();
    await send("Aside", "of nobody");
    await move(arn("Aside"), arn("Alone"));
    expect(await depth("Aside")).toBe(0);
    await send("Aside", "of nobody");
    await move(arn("Aside"));
    const { Results } = await sqs.send(new ListMessageMoveTasksCommand({ SourceArn: arn("Aside") }));
    expect(Results?.[0]).toMatchObject({ Status: "FAILED", FailureReason: "CouldNotDetermineMessageSource" });
  });

  it("is refused for a queue that nothing is set aside in", async () => {
    await expect(move(arn("Alone"))).rejects.toMatchObject({ name: "UnsupportedOperation" });
    await expect(move("arn:aws:sqs:us-east-1:000000000000:none")).rejects.toThrow();
  });
});

describe("a queue's policy", () => {
  const sending = { service: "events.amazonaws.com", sourceArn: "rule", queueArn: "queue" };
  const allow = {
    ...{ Effect: "Allow", Principal: { Service: "events.amazonaws.com" }, Action: "sqs:SendMessage" },
    ...{ Resource: "queue", Condition: { ArnEquals: { "aws:SourceArn": "rule" } } },
  };
  const tls = {
    ...{ Effect: "Deny", Principal: { AWS: "*" }, Action: "sqs:*", Resource: "queue" },
    ...{ Condition: { Bool: { "aws:SecureTransport": "false" } } },
  };
  it.each([
    ["the construct's", [tls, allow], true],
    ["none at all", undefined, false],
    ["one for TLS alone", [tls], false],
    ["one for another rule", [{ ...allow, Condition: { ArnEquals: { "aws:SourceArn": "other" } } }], false],
    ["one for another queue", [{ ...allow, Resource: "other" }], false],
    ["one for another service", [{ ...allow, Principal: { Service: "s3.amazonaws.com" } }], false],
    ["one for receiving", [{ ...allow, Action: "sqs:ReceiveMessage" }], false],
    ["one with a condition that is not known", [{ ...allow, Condition: { Null: { a: "true" } } }], false],
    ["one that denies too", [allow, { ...allow, Effect: "Deny" }], false],
    ["one for all", { ...allow, Principal: "*", Action: ["sqs:*"], Condition: {} }, true],
  ])("%s", (_, Statement, lets) => {
    expect(letsSend(Statement === undefined ? "" : JSON.stringify({ Statement }), sending)).toBe(lets);
  });
});
