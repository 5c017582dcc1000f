import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import { BlockPublicAccess, Bucket, BucketEncryption, ObjectOwnership, type IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export interface KeepSettings {
  readonly removalPolicy: RemovalPolicy;
  readonly emptyBuckets: boolean;
  readonly deletionProtection: boolean;
  readonly accessLogs: IBucket | undefined;
}

/**
 * The changelog: a task's commits by epoch, and its task item.
 *
 * It has no time to live: whether a commit is still needed is not known when it is written (X11).
 */
export function changelogTable(scope: Construct, { removalPolicy, deletionProtection }: KeepSettings): Table {
  return new Table(scope, "Changelog", {
    partitionKey: { name: "task", type: AttributeType.STRING },
    sortKey: { name: "epoch", type: AttributeType.NUMBER },
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection,
    removalPolicy,
  });
}

/** Where a stage's function keeps objects, by what they are. */
export const STATE_PREFIXES = { checkpoints: "checkpoints/", spills: "spills/", deadLetters: "dead-letters/" } as const;

/**
 * A private, encrypted bucket that only TLS reaches. No object expires by itself: nothing in S3 knows which
 * checkpoint is still pointed to (X11).
 */
export function secureBucket(
  scope: Construct,
  id: string,
  { removalPolicy, emptyBuckets, accessLogs }: KeepSettings,
): Bucket {
  const bucket = new Bucket(scope, id, {
    encryption: BucketEncryption.S3_MANAGED,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [{ id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    removalPolicy,
    autoDeleteObjects: emptyBuckets,
    ...(accessLogs === undefined ? {} : { serverAccessLogsBucket: accessLogs, serverAccessLogsPrefix: `${id}/` }),
  });
  if (accessLogs === undefined) {
    acknowledge(
      bucket,
      "AwsSolutions-S1",
      "Only this pipeline's roles can reach the bucket; a log object per request costs more than the requests. Set accessLogs where an audit wants them.",
    );
  }
  return bucket;
}
