/**
 * What AWS charges, in one place. us-east-1, on demand, without free tiers, volume discounts and taxes.
 * Read on 2026-11-22; a price changed since is to be changed here, with the date.
 */
export interface Price {
  readonly dollars: number;
  /** What the dollars buy. */
  readonly per: string;
  /** The page it was read on. */
  readonly source: string;
}

export const PRICES_READ_ON = "2026-11-22";

export const prices = {
  lambdaRequest: { dollars: 0.2, per: "million requests", source: "AWS Lambda pricing" },
  lambdaArm: { dollars: 0.0000133334, per: "GB-second, Arm", source: "AWS Lambda pricing" },
  lambdaX86: { dollars: 0.0000166667, per: "GB-second, x86", source: "AWS Lambda pricing" },
  dynamodbWrite: {
    dollars: 0.625,
    per: "million write request units (1 KB)",
    source: "Amazon DynamoDB on-demand pricing",
  },
  dynamodbRead: {
    dollars: 0.125,
    per: "million read request units (4 KB)",
    source: "Amazon DynamoDB on-demand pricing",
  },
  kinesisPut: {
    dollars: 0.014,
    per: "million PUT payload units (25 KB)",
    source: "Amazon Kinesis Data Streams pricing, provisioned",
  },
  kinesisShard: { dollars: 0.015, per: "shard-hour", source: "Amazon Kinesis Data Streams pricing, provisioned" },
  firehoseIngest: {
    dollars: 0.029,
    per: "GB, each record rounded up to 5 KB",
    source: "Amazon Data Firehose pricing, Direct PUT",
  },
  firehoseConversion: { dollars: 0.018, per: "GB converted to Parquet", source: "Amazon Data Firehose pricing" },
  firehoseIceberg: {
    dollars: 0.075,
    per: "GB to Apache Iceberg tables, each record as it is",
    source: "Amazon Data Firehose pricing, as quoted by others in 2025: look it up before you rely on it",
  },
  s3Put: { dollars: 0.005, per: "thousand PUT, COPY, POST or LIST requests", source: "Amazon S3 pricing, Standard" },
  s3Get: { dollars: 0.0004, per: "thousand GET and all other requests", source: "Amazon S3 pricing, Standard" },
  sqsRequest: { dollars: 0.4, per: "million requests (64 KB)", source: "Amazon SQS pricing, standard queues" },
} as const satisfies Readonly<Record<string, Price>>;
