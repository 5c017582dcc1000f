import { App, Stack } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { SecurityGroup, Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { Key } from "aws-cdk-lib/aws-kms";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { pipelines } from "../../infra/pipelines.ts";
import { appOf, ofType, plain, resourcesOf } from "./synthesized.ts";

process.env["CDK_VALIDATION"] = "false";

const KEY = "arn:aws:kms:eu-west-1:123456789012:key/11111111-2222-3333-4444-555555555555";
const STREAM = "arn:aws:kinesis:eu-west-1:123456789012:stream/departures";

const [flights, routes] = pipelines;

function templateOf(of: (stack: Stack) => Partial<MillracePipelineProps>, { pipeline } = flights!): Template {
  const stack = new Stack(new App(), "test");
  new MillracePipeline(stack, "Pipeline", {
    pipeline,
    handler: "unused.ts",
    code: Code.fromInline("// none"),
    ...of(stack),
  });
  return Template.fromStack(stack);
}

interface Statement {
  readonly Sid: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
}

const statementsOf = (template: Template, role: string): readonly Statement[] => {
  const [, { Properties }] = Object.entries(resourcesOf(template)).find(
    ([id, { Type }]) => Type === "AWS::IAM::Role" && plain({ Ref: id }) === `{${role}}`,
  )!;
  const policies = Properties["Policies"] as { PolicyDocument: { Statement: Statement[] } }[];
  return policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
};

describe("a key of the user's", () => {
  const template = templateOf((stack) => ({ encryptionKey: Key.fromKeyArn(stack, "Key", KEY) }), routes);

  test("encrypts everything that may hold payloads", () => {
    for (const { Properties } of ofType(template, "AWS::Kinesis::Stream")) {
      expect(Properties["StreamEncryption"]).toEqual({ EncryptionType: "KMS", KeyId: KEY });
    }
    for (const { Properties } of ofType(template, "AWS::S3::Bucket")) {
      expect(Properties["BucketEncryption"]).toEqual({
        ServerSideEncryptionConfiguration: [
          {
            BucketKeyEnabled: true,
            ServerSideEncryptionByDefault: { SSEAlgorithm: "aws:kms", KMSMasterKeyID: KEY },
          },
        ],
      });
    }
    expect(ofType(template, "AWS::DynamoDB::Table")[0]!.Properties["SSESpecification"]).toEqual({
      SSEEnabled: true,
      SSEType: "KMS",
      KMSMasterKeyId: KEY,
    });
    for (const { Properties } of ofType(template, "AWS::KinesisFirehose::DeliveryStream")) {
      expect(Properties["DeliveryStreamEncryptionConfigurationInput"]).toEqual({
        KeyType: "CUSTOMER_MANAGED_CMK",
        KeyARN: KEY,
      });
    }
    const keys = Object.entries(resourcesOf(template))
      .filter(([, { Type }]) => Type === "AWS::SQS::Queue")
      .map(([id, { Properties }]) => [plain({ Ref: id }), Properties["KmsMasterKeyId"]]);
    const held = Object.fromEntries(keys) as Record<string, unknown>;
    expect(held).toMatchObject({
      "{PipelineDeadLetters}": KEY,
      "{PipelineOnFailure}": KEY,
      "{PipelineLostTicks}": undefined,
    });
  });

  test("may be used by the functions and by what delivers, and by no wildcard", () => {
    const roles = ofType(template, "AWS::IAM::Role");
    expect(roles.length).toBeGreaterThan(3);
    for (const { Properties } of roles) {
      const policies = Properties["Policies"] as { PolicyDocument: { Statement: Statement[] } }[];
      const use = policies
        .flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
        .find(({ Sid }) => Sid === "UseKeys");
      expect(use).toMatchObject({ Effect: "Allow", Resource: KEY });
      expect(JSON.stringify(use!.Action)).not.toContain("*");
    }
  });
});

describe("a VPC of the user's", () => {
  const template = templateOf((stack) => ({
    network: {
      vpc: Vpc.fromVpcAttributes(stack, "Vpc", { vpcId: "vpc-1", availabilityZones: ["a"] }),
      subnets: { subnets: [Subnet.fromSubnetId(stack, "Subnet", "subnet-1")] },
      securityGroups: [SecurityGroup.fromSecurityGroupId(stack, "Group", "sg-1")],
    },
  }));

  test("has the functions in it", () => {
    expect(ofType(template, "AWS::Lambda::Function")[0]!.Properties["VpcConfig"]).toEqual({
      SubnetIds: ["subnet-1"],
      SecurityGroupIds: ["sg-1"],
    });
  });

  test("is joined by Lambda, and by nothing that runs in the function", () => {
    const statements = statementsOf(template, "PipelinedeparturesRole");
    const join = statements.find(({ Sid }) => Sid === "JoinNetwork")!;
    const deny = statements.find(({ Sid }) => Sid === "OnlyLambdaJoins")!;
    expect(join.Effect).toBe("Allow");
    expect(deny).toMatchObject({
      Effect: "Deny",
      Action: join.Action,
      Condition: { Null: { "lambda:SourceFunctionArn": "false" } },
    });
  });
});

describe("what is there already", () => {
  test("a source's stream is read, and none is made", () => {
    const template = templateOf((stack) => ({
      stream: { shards: 4 },
      streams: { departures: { existing: Stream.fromStreamArn(stack, "Given", STREAM), retention: { days: 7 } } },
    }));
    expect(ofType(template, "AWS::Kinesis::Stream")).toEqual([]);
    const mappings = ofType(template, "AWS::Lambda::EventSourceMapping").map(
      ({ Properties }) => Properties["EventSourceArn"],
    );
    expect(mappings).toContain(STREAM);
    const read = statementsOf(template, "PipelinedeparturesRole").find(({ Sid }) => Sid === "ReadStream")!;
    expect(read.Resource).toBe(STREAM);
  });

  test("a bucket for files is shared: keys begin with the database's name", () => {
    const template = templateOf((stack) => ({
      buckets: {
        lake: Bucket.fromBucketName(stack, "Files", "all-files"),
        state: Bucket.fromBucketName(stack, "St", "states"),
      },
    }));
    expect(ofType(template, "AWS::S3::Bucket")).toEqual([]);
    const [delivery] = ofType(template, "AWS::KinesisFirehose::DeliveryStream");
    expect(delivery!.Properties["ExtendedS3DestinationConfiguration"]).toMatchObject({
      Prefix: expect.stringMatching(/^flight_delays\/data\//) as unknown,
      ErrorOutputPrefix: expect.stringMatching(/^flight_delays\/errors\//) as unknown,
    });
  });

  test("a stream between stages is always made", () => {
    expect(() =>
      templateOf(
        (stack) => ({ streams: { "by-route": { existing: Stream.fromStreamArn(stack, "Given", STREAM) } } }),
        routes,
      ),
    ).toThrow(/is always made/);
  });
});

describe("the app", () => {
  const account = {
    encryptionKeyArn: KEY,
    vpcId: "vpc-0a",
    subnetIds: "subnet-0a,subnet-0b",
    securityGroupId: "sg-0a",
    streams: JSON.stringify({ "flight-delays/departures": STREAM }),
    lakeBucket: "all-files",
    concurrency: "8",
    alarmTopicArn: "arn:aws:sns:eu-west-1:123456789012:ops",
  };

  test("takes what the account has from the context, and cdk-nag has nothing against it", () => {
    const { app, stack } = appOf("prod", account);
    app.synth();
    const template = Template.fromStack(stack);
    expect(ofType(template, "AWS::Kinesis::Stream")).toEqual([]);
    const [target] = ofType(template, "AWS::Lambda::Function");
    expect(target!.Properties).toMatchObject({
      ReservedConcurrentExecutions: 8,
      VpcConfig: { SubnetIds: ["subnet-0a", "subnet-0b"], SecurityGroupIds: ["sg-0a"] },
    });
  });

  test.each([
    ["half a network", { vpcId: "vpc-0a" }, /subnetIds is missing/],
    ["a key that is none", { encryptionKeyArn: "mine" }, /encryptionKeyArn is "mine"/],
    ["a stream that is none", { streams: '{"flight-delays/departures":"departures"}' }, /an object of ARNs/],
    ["streams that are no JSON", { streams: "{" }, /an object of ARNs/],
    ["a stream of no source", { streams: JSON.stringify({ "flight-delays/arrivals": STREAM }) }, /for "arrivals"/],
    ["a bucket's ARN", { lakeBucket: "arn:aws:s3:::files" }, /a bucket's name/],
  ])("refuses %s", (_, context, message) => {
    expect(() => appOf("dev", context)).toThrow(message);
  });
});
