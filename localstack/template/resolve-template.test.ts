import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { resolveTemplates } from "./resolve-template.ts";
import { needsNoRunning, runTypes } from "./runnable-types.ts";
import { readTemplateFile } from "./template-file.ts";

let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), "templates-"));
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

let count = 0;
function resolve(...templates: readonly object[]) {
  const files = templates.map((template) => {
    const path = join(directory, `Stack${++count}.template.json`);
    writeFileSync(path, JSON.stringify(template));
    return readTemplateFile(path);
  });
  return resolveTemplates(files, "http://127.0.0.1:1");
}

/** What an expression resolves to, in a template with a few things to refer to. */
function valueOf(expression: unknown, more: object = {}): unknown {
  const { resources } = resolve({
    Parameters: { BootstrapVersion: { Type: "AWS::SSM::Parameter::Value<String>", Default: "/cdk-bootstrap/version" } },
    Mappings: { Sizes: { small: { memory: 128 } } },
    Conditions: {
      Yes: { "Fn::Equals": [{ Ref: "AWS::Region" }, "us-east-1"] },
      No: { "Fn::Not": [{ Condition: "Yes" }] },
    },
    Resources: {
      Stream: { Type: "AWS::Kinesis::Stream", Properties: { Name: "events" } },
      Queue: { Type: "AWS::SQS::Queue", Properties: { FifoQueue: true } },
      Subject: { Type: "AWS::IAM::Policy", Properties: { value: expression } },
    },
    ...more,
  });
  return resources.find(({ logicalId }) => logicalId === "Subject")?.properties["value"];
}

describe("Template functions", () => {
  for (const [name, expression, expected] of [
    ["Ref gives a name", { Ref: "Stream" }, "events"],
    [
      "Ref gives a queue's URL",
      { Ref: "Queue" },
      expect.stringMatching(/^http:\/\/127\.0\.0\.1:1\/000000000000\/Stack\d+-Queue\.fifo$/),
    ],
    [
      "Fn::GetAtt gives an ARN",
      { "Fn::GetAtt": ["Stream", "Arn"] },
      "arn:aws:kinesis:us-east-1:000000000000:stream/events",
    ],
    ["Fn::GetAtt with a dot", { "Fn::GetAtt": "Stream.Arn" }, "arn:aws:kinesis:us-east-1:000000000000:stream/events"],
    [
      "Fn::Join",
      { "Fn::Join": ["-", ["a", { Ref: "AWS::AccountId" }, { Ref: "AWS::Partition" }]] },
      "a-000000000000-aws",
    ],
    [
      "Fn::Sub",
      { "Fn::Sub": "${AWS::Region}/${Stream}/${Stream.Arn}/${!kept}" },
      "us-east-1/events/arn:aws:kinesis:us-east-1:000000000000:stream/events/${kept}",
    ],
    ["Fn::Sub with variables", { "Fn::Sub": ["${a}", { a: { Ref: "Stream" } }] }, "events"],
    [
      "Fn::Select and Fn::Split",
      { "Fn::Select": [1, { "Fn::Split": ["/", { "Fn::GetAtt": ["Stream", "Arn"] }] }] },
      "events",
    ],
    ["Fn::If", { "Fn::If": ["Yes", "then", "else"] }, "then"],
    ["Fn::If of a negation", { "Fn::If": ["No", "then", "else"] }, "else"],
    [
      "AWS::NoValue leaves nothing",
      { a: { Ref: "AWS::NoValue" }, b: [1, { "Fn::If": ["No", 2, { Ref: "AWS::NoValue" }] }] },
      { b: [1] },
    ],
    ["Fn::FindInMap", { "Fn::FindInMap": ["Sizes", "small", "memory"] }, 128],
    ["Fn::Base64", { "Fn::Base64": "é" }, "w6k="],
    ["CDK's bootstrap version", { Ref: "BootstrapVersion" }, "/cdk-bootstrap/version"],
    [
      "data that only looks like a function",
      { Condition: { StringEquals: { a: "b" } } },
      { Condition: { StringEquals: { a: "b" } } },
    ],
  ] as const) {
    it(name, () => {
      expect(valueOf(expression)).toEqual(expected);
    });
  }

  it("a reference to nothing, a function not known and a circle are errors that name the template", () => {
    expect(() => valueOf({ Ref: "Nothing" })).toThrow(/Stack\d+\.template\.json refers to Nothing/);
    expect(() => valueOf({ "Fn::Transform": {} })).toThrow("Fn::Transform");
    const circle = { Resources: { A: { Type: "AWS::Kinesis::Stream", Properties: { Name: { Ref: "A" } } } } };
    expect(() => resolve(circle)).toThrow("depends on itself");
  });

  it("resources and outputs whose condition is false are left out", () => {
    const { resources, outputs } = resolve({
      Conditions: { No: { "Fn::Equals": ["a", "b"] } },
      Resources: { Gone: { Type: "AWS::SQS::Queue", Condition: "No" } },
      Outputs: { Gone: { Condition: "No", Value: "x" }, Here: { Value: { "Fn::Join": ["", ["a", "b"]] } } },
    });
    expect(resources).toEqual([]);
    expect(outputs).toEqual({ Here: "ab" });
  });

  it("stacks import what others export, in any order", () => {
    const importing = { Resources: {}, Outputs: { Got: { Value: { "Fn::ImportValue": "the-arn" } } } };
    const exporting = {
      Resources: { S: { Type: "AWS::Kinesis::Stream", Properties: { Name: "s" } } },
      Outputs: { Arn: { Value: { "Fn::GetAtt": ["S", "Arn"] }, Export: { Name: "the-arn" } } },
    };
    expect(resolve(importing, exporting).outputs["Got"]).toBe("arn:aws:kinesis:us-east-1:000000000000:stream/s");
    expect(() => resolve(importing)).toThrow("imports the-arn");
  });

  it("a bucket without a name gets one that S3 would take", () => {
    const [bucket] = resolve({ Resources: { MyBucket0123: { Type: "AWS::S3::Bucket" } } }).resources;
    expect(bucket?.ref).toMatch(/^[a-z0-9.-]{3,63}$/);
  });
});

describe("Resource types", () => {
  it("are run, need no running, or are named aloud", () => {
    expect(runTypes.has("AWS::Kinesis::Stream")).toBe(true);
    for (const type of ["AWS::IAM::Role", "AWS::Logs::LogGroup", "AWS::CloudWatch::Dashboard", "AWS::CDK::Metadata"]) {
      expect(needsNoRunning(type)).toBe(true);
    }
    for (const type of ["AWS::MSK::Cluster", "AWS::Events::Rule", "AWS::EC2::VPC"])
      expect(needsNoRunning(type)).toBe(false);
  });
});
