import type { Price } from "../../lib/cdk/prices.ts";

/**
 * What the construct does not need to know: logs and metrics, and what the others would cost. us-east-1, on demand, without free
 * tiers. AWS's own pages where one is named; the rest is as others quote it: look it up before you rely on it.
 */
export const morePrices = {
  kinesisRetention: {
    dollars: 0.02,
    per: "shard-hour, of a stream that keeps records for more than a day and up to seven",
    source: "Amazon Kinesis Data Streams pricing, as quoted by others",
  },
  dynamodbStorage: { dollars: 0.25, per: "GB-month of a table", source: "Amazon DynamoDB pricing" },
  dynamodbBackup: {
    dollars: 0.2,
    per: "GB-month of a table that can be put back to any time",
    source: "Amazon DynamoDB pricing, as quoted by others",
  },
  s3Storage: { dollars: 0.023, per: "GB-month", source: "Amazon S3 pricing, Standard, as quoted by others" },
  logs: { dollars: 0.5, per: "GB of logs taken in", source: "Amazon CloudWatch pricing, as quoted by others" },
  metric: { dollars: 0.3, per: "custom metric and month", source: "Amazon CloudWatch pricing, as quoted by others" },
  alarm: { dollars: 0.1, per: "alarm and month", source: "Amazon CloudWatch pricing, as quoted by others" },
  dashboard: { dollars: 3, per: "dashboard and month", source: "Amazon CloudWatch pricing, as quoted by others" },
  kpu: {
    dollars: 0.11,
    per: "KPU-hour, one more for orchestration",
    source: "Managed Service for Apache Flink pricing",
  },
  kpuStorage: {
    dollars: 0.1,
    per: "GB-month of running storage, 50 GB a KPU",
    source: "Managed Service for Apache Flink pricing",
  },
  brokerSmall: { dollars: 0.0456, per: "hour of kafka.t3.small", source: "Amazon MSK pricing, as quoted by others" },
  brokerLarge: { dollars: 0.21, per: "hour of kafka.m5.large", source: "Amazon MSK pricing, as quoted by others" },
  brokerStorage: { dollars: 0.1, per: "GB-month of a broker", source: "Amazon MSK pricing, as quoted by others" },
  fargateProcessor: { dollars: 0.03238, per: "vCPU-hour, Arm", source: "AWS Fargate pricing, as quoted by others" },
  fargateMemory: { dollars: 0.00356, per: "GB-hour, Arm", source: "AWS Fargate pricing, as quoted by others" },
  betweenZones: {
    dollars: 0.02,
    per: "GB between availability zones, both ends",
    source: "Amazon EC2 pricing, data transfer, as quoted by others",
  },
} as const satisfies Readonly<Record<string, Price>>;
