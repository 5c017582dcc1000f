import { FUNCTION_CODE } from "./function-code.ts";

/** Seconds that a received message is hidden for. */
const VISIBILITY = 30;

const actsAs = (service: string) => ({
  Version: "2012-10-17",
  Statement: [{ Effect: "Allow", Principal: { Service: service }, Action: "sts:AssumeRole" }],
});

const allow = (PolicyName: string, Action: readonly string[], Resource: unknown) => ({
  PolicyName,
  PolicyDocument: { Version: "2012-10-17", Statement: [{ Effect: "Allow", Action, Resource }] },
});

const arnOf = (resource: string) => ({ "Fn::GetAtt": [resource, "Arn"] });

/** Everything that the probes need: small, and deleted when they are done. Its outputs are the fields of `Place`. */
export const TEMPLATE = {
  Description: "Millrace: what is assumed of AWS, put to the test (npm run probe:aws). It may be deleted at any time.",
  Resources: {
    Table: {
      Type: "AWS::DynamoDB::Table",
      Properties: {
        BillingMode: "PAY_PER_REQUEST",
        AttributeDefinitions: [
          { AttributeName: "task", AttributeType: "S" },
          { AttributeName: "epoch", AttributeType: "N" },
        ],
        KeySchema: [
          { AttributeName: "task", KeyType: "HASH" },
          { AttributeName: "epoch", KeyType: "RANGE" },
        ],
      },
    },
    Bucket: { Type: "AWS::S3::Bucket" },
    Queue: { Type: "AWS::SQS::Queue", Properties: { VisibilityTimeout: VISIBILITY } },
    Stream: { Type: "AWS::Kinesis::Stream", Properties: { ShardCount: 2 } },
    MappedStream: { Type: "AWS::Kinesis::Stream", Properties: { ShardCount: 1 } },
    DeliveryRole: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: actsAs("firehose.amazonaws.com"),
        Policies: [
          allow(
            "Deliver",
            ["s3:PutObject", "s3:GetBucketLocation", "s3:ListBucket", "s3:AbortMultipartUpload"],
            [arnOf("Bucket"), { "Fn::Sub": "${Bucket.Arn}/*" }],
          ),
        ],
      },
    },
    DeliveryStream: {
      Type: "AWS::KinesisFirehose::DeliveryStream",
      Properties: {
        DeliveryStreamType: "DirectPut",
        ExtendedS3DestinationConfiguration: {
          BucketARN: arnOf("Bucket"),
          RoleARN: arnOf("DeliveryRole"),
          Prefix: "delivered/",
          ErrorOutputPrefix: "errors/",
          BufferingHints: { SizeInMBs: 5, IntervalInSeconds: 60 },
        },
      },
    },
    FunctionRole: {
      Type: "AWS::IAM::Role",
      Properties: {
        AssumeRolePolicyDocument: actsAs("lambda.amazonaws.com"),
        Policies: [
          allow("Observe", ["dynamodb:PutItem", "dynamodb:UpdateItem"], arnOf("Table")),
          allow(
            "Read",
            [
              "kinesis:DescribeStream",
              "kinesis:DescribeStreamSummary",
              "kinesis:GetRecords",
              "kinesis:GetShardIterator",
              "kinesis:ListShards",
            ],
            arnOf("MappedStream"),
          ),
        ],
      },
    },
    Function: {
      Type: "AWS::Lambda::Function",
      Properties: {
        Runtime: "nodejs22.x",
        Handler: "index.handler",
        Code: { ZipFile: FUNCTION_CODE },
        Role: arnOf("FunctionRole"),
        MemorySize: 256,
        Timeout: 30,
        Environment: { Variables: { TABLE: { Ref: "Table" } } },
      },
    },
    Mapping: {
      Type: "AWS::Lambda::EventSourceMapping",
      Properties: {
        EventSourceArn: arnOf("MappedStream"),
        FunctionName: { Ref: "Function" },
        StartingPosition: "TRIM_HORIZON",
        BatchSize: 100,
        MaximumBatchingWindowInSeconds: 2,
        BisectBatchOnFunctionError: true,
        MaximumRetryAttempts: -1,
        MaximumRecordAgeInSeconds: -1,
        ParallelizationFactor: 1,
        FunctionResponseTypes: ["ReportBatchItemFailures"],
      },
    },
  },
  Outputs: {
    table: { Value: { Ref: "Table" } },
    bucket: { Value: { Ref: "Bucket" } },
    queueUrl: { Value: { Ref: "Queue" } },
    stream: { Value: { Ref: "Stream" } },
    mappedStream: { Value: { Ref: "MappedStream" } },
    deliveryStream: { Value: { Ref: "DeliveryStream" } },
  },
} as const;
