import { Duration, type RemovalPolicy } from "aws-cdk-lib";
import { AttributeType, BillingMode, Table, TableEncryption } from "aws-cdk-lib/aws-dynamodb";
import type { IKey } from "aws-cdk-lib/aws-kms";
import {
  BlockPublicAccess,
  Bucket,
  BucketEncryption,
  ObjectOwnership,
  type IBucket,
  type LifecycleRule,
} from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";

export interface KeepSettings {
  readonly removalPolicy: RemovalPolicy;
  readonly emptyBuckets: boolean;
  readonly deletionProtection: boolean;
  readonly accessLogs: IBucket | undefined;
  /** None for AWS's keys. */
  readonly encryptionKey: IKey | undefined;
}

/**
 * The changelog: a task's commits by epoch, and its task item.
 *
 * Commits carry the time at which they may go, a month after they were written: until then the sweeper has made
 * checkpoints of whatever still needs them (X11). The task item carries none.
 */
export function changelogTable(
  scope: Construct,
  { removalPolicy, deletionProtection, encryptionKey }: KeepSettings,
): Table {
  return new Table(scope, "Changelog", {
    partitionKey: { name: "task", type: AttributeType.STRING },
    sortKey: { name: "epoch", type: AttributeType.NUMBER },
    billingMode: BillingMode.PAY_PER_REQUEST,
    ...(encryptionKey === undefined
      ? { encryption: TableEncryption.AWS_MANAGED }
      : { encryption: TableEncryption.CUSTOMER_MANAGED, encryptionKey }),
    timeToLiveAttribute: EXPIRY_ATTRIBUTE,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    deletionProtection,
    removalPolicy,
  });
}

/** The attribute of a commit that says when it may go: epoch seconds, as DynamoDB wants it. */
const EXPIRY_ATTRIBUTE = "x";

/** Where a stage's function keeps objects, by what they are. */
export const STATE_PREFIXES = { checkpoints: "checkpoints/", spills: "spills/", deadLetters: "dead-letters/" } as const;

/**
 * Days that a spilled body is kept: twice as long as its commit, which DynamoDB deletes within a few days of the 30
 * that it is due after.
 */
const SPILL_DAYS = 60;

/**
 * The bucket of checkpoints, spilled commits and large dead letters. Spills expire, after their commits. Checkpoints do
 * not: an idle task needs its own for ever, and nothing in S3 knows which one is pointed to; the sweeper deletes those
 * that were superseded (X11).
 */
export const stateBucket = (scope: Construct, keep: KeepSettings): IBucket =>
  secureBucket(scope, "State", keep, [
    { id: "spills-after-their-commits", prefix: STATE_PREFIXES.spills, expiration: Duration.days(SPILL_DAYS) },
  ]);

/** A private, encrypted bucket that only TLS reaches. No object expires by itself, except by the rules given. */
export function secureBucket(
  scope: Construct,
  id: string,
  { removalPolicy, emptyBuckets, accessLogs, encryptionKey }: KeepSettings,
  rules: readonly LifecycleRule[] = [],
): IBucket {
  const bucket = new Bucket(scope, id, {
    ...(encryptionKey === undefined
      ? { encryption: BucketEncryption.S3_MANAGED }
      : // A bucket key: one request to KMS for many objects.
        { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    lifecycleRules: [{ id: "unfinished-uploads", abortIncompleteMultipartUploadAfter: Duration.days(7) }, ...rules],
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
  return bucket as IBucket; // which CDK types without the exactness about undefined that is compiled with here
}
