import { describe, expect, test } from "vitest";
import { ofType, plain, resourcesOf, synthesized } from "./synthesized.ts";

const prod = synthesized("prod");
const dev = synthesized("dev");

const one = (template: typeof prod, type: string) => {
  const found = ofType(template, type);
  expect(found).toHaveLength(1);
  return found[0]!;
};

describe("the changelog table", () => {
  const { Properties } = one(prod, "AWS::DynamoDB::Table");

  test("keys commits by task and epoch, and is billed by request", () => {
    expect(Properties["KeySchema"]).toEqual([
      { AttributeName: "task", KeyType: "HASH" },
      { AttributeName: "epoch", KeyType: "RANGE" },
    ]);
    expect(Properties["AttributeDefinitions"]).toEqual([
      { AttributeName: "task", AttributeType: "S" },
      { AttributeName: "epoch", AttributeType: "N" },
    ]);
    expect(Properties["BillingMode"]).toBe("PAY_PER_REQUEST");
  });

  test("X11: its commits may expire, by the attribute that says when, and it can be restored to any second", () => {
    expect(Properties["TimeToLiveSpecification"]).toEqual({ AttributeName: "x", Enabled: true });
    expect(Properties["PointInTimeRecoverySpecification"]).toEqual({ PointInTimeRecoveryEnabled: true });
  });
});

describe("X11: nothing needed expires", () => {
  const rulesOf = (bucket: string) => {
    const [, { Properties }] = Object.entries(resourcesOf(prod)).find(([id]) => plain({ Ref: id }) === bucket)!;
    return (Properties["LifecycleConfiguration"] as { readonly Rules: readonly object[] }).Rules;
  };
  const uploads = {
    Id: "unfinished-uploads",
    Status: "Enabled",
    AbortIncompleteMultipartUpload: { DaysAfterInitiation: 7 },
  };

  test("no file of a lake is deleted by itself", () => {
    expect(rulesOf("{PipelineLake}")).toEqual([uploads]);
  });

  test("a spilled body outlives its commit's 30 days twice; checkpoints and dead letters stay for ever", () => {
    expect(rulesOf("{PipelineState}")).toEqual([
      uploads,
      { Id: "spills-after-their-commits", Status: "Enabled", Prefix: "spills/", ExpirationInDays: 60 },
    ]);
  });
});

describe("encryption at rest", () => {
  test.each([
    ["AWS::DynamoDB::Table", "SSESpecification", { SSEEnabled: true }],
    ["AWS::Kinesis::Stream", "StreamEncryption", { EncryptionType: "KMS", KeyId: "alias/aws/kinesis" }],
    ["AWS::SQS::Queue", "SqsManagedSseEnabled", true],
    [
      "AWS::S3::Bucket",
      "BucketEncryption",
      { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: "AES256" } }] },
    ],
    [
      "AWS::KinesisFirehose::DeliveryStream",
      "DeliveryStreamEncryptionConfigurationInput",
      { KeyType: "AWS_OWNED_CMK" },
    ],
  ])("every %s has it", (type, property, value) => {
    expect(ofType(prod, type).length).toBeGreaterThan(0);
    for (const { Properties } of ofType(prod, type)) expect(Properties[property]).toEqual(value);
  });
});

describe("encryption on the way", () => {
  test.each([
    ["AWS::SQS::Queue", "AWS::SQS::QueuePolicy", "Queues", "sqs:*"],
    ["AWS::S3::Bucket", "AWS::S3::BucketPolicy", "Bucket", "s3:*"],
  ])("every %s refuses what comes without TLS", (type, policyType, target, action) => {
    const refusing = ofType(prod, policyType)
      .filter(({ Properties }) =>
        (Properties["PolicyDocument"] as { Statement: Record<string, unknown>[] }).Statement.some(
          ({ Effect, Action, Principal, Condition }) =>
            Effect === "Deny" &&
            Action === action &&
            JSON.stringify(Principal) === '{"AWS":"*"}' &&
            JSON.stringify(Condition) === '{"Bool":{"aws:SecureTransport":"false"}}',
        ),
      )
      .flatMap(({ Properties }) => [Properties[target]].flat().map(plain));
    const made = Object.entries(resourcesOf(prod)).flatMap(([id, { Type }]) =>
      Type === type ? [plain({ Ref: id })] : [],
    );
    expect(refusing.toSorted()).toEqual(made.toSorted());
  });

  test("buckets are closed to the public, whatever a policy says", () => {
    for (const { Properties } of ofType(prod, "AWS::S3::Bucket")) {
      expect(Properties["PublicAccessBlockConfiguration"]).toEqual({
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      });
    }
  });
});

describe("removal", () => {
  const keeping = [
    "AWS::DynamoDB::Table",
    "AWS::Kinesis::Stream",
    "AWS::S3::Bucket",
    "AWS::SQS::Queue",
    "AWS::Logs::LogGroup",
  ];

  test.each(keeping)("prod keeps every %s", (type) => {
    const ticks = (resource: { Properties: object }) => "RedrivePolicy" in resource.Properties;
    // Ticks are made again by the next records; the queue is a wire, not a store.
    const stores = ofType(prod, type).filter((resource) => !ticks(resource));
    expect(stores.length).toBeGreaterThan(0);
    for (const { DeletionPolicy } of stores) expect(DeletionPolicy).toMatch(/^Retain/);
  });

  test.each(keeping)("dev deletes every %s", (type) => {
    for (const { DeletionPolicy } of ofType(dev, type)) expect(DeletionPolicy ?? "Delete").toBe("Delete");
  });

  test("a stack without the function that empties buckets can be had, as emulators want it", () => {
    expect(ofType(dev, "Custom::S3AutoDeleteObjects")).toHaveLength(2);
    expect(ofType(synthesized("dev", { emptyBuckets: "false" }), "Custom::S3AutoDeleteObjects")).toEqual([]);
  });

  test("only prod's table refuses to be deleted", () => {
    expect(one(prod, "AWS::DynamoDB::Table").Properties["DeletionProtectionEnabled"]).toBe(true);
    expect(one(dev, "AWS::DynamoDB::Table").Properties["DeletionProtectionEnabled"]).toBe(false);
  });
});
