import type { ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { Bucket } from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { readTables } from "../connectors/dynamodb-table/provision.ts";
import { readStream, writeStreams } from "../connectors/kinesis/provision.ts";
import { acknowledgePrefix } from "./acknowledge.ts";
import { STATE_PREFIXES } from "./stores.ts";

/** What a stage's function touches. */
export interface StageResources {
  readonly stream: IStream;
  readonly table: Table;
  readonly stateBucket: Bucket;
  readonly deadLetters: IQueue;
  readonly onFailure: IQueue;
  readonly ticks: IQueue;
  readonly deliveryStreamArns: readonly string[];
  /** Internal streams it writes to. */
  readonly shuffles: readonly IStream[];
  /** Tables it looks up in. */
  readonly lookupTables: readonly ITable[];
  readonly logGroup: ILogGroup;
}

/**
 * The role of a stage's function: exactly what a turn does, on exactly this pipeline's resources. It may delete
 * checkpoints, which the sweeper does when they were superseded, and nothing else (X11).
 *
 * The policy is part of the role, so that no mapping is made before its permissions.
 */
export function stageRole(scope: Construct, description: string, resources: StageResources): Role {
  const { stateBucket } = resources;
  const role = new Role(scope, "Role", {
    description,
    assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    inlinePolicies: { Turn: new PolicyDocument({ statements: statementsOf(resources) }) },
  });
  for (const prefix of Object.values(STATE_PREFIXES)) {
    acknowledgePrefix(
      role,
      stateBucket,
      prefix,
      "Keys contain a task, an epoch and a nonce that are made at run time.",
    );
  }
  return role;
}

function statementsOf(r: StageResources): PolicyStatement[] {
  const allow = (sid: string, actions: string[], resources: string[]) =>
    new PolicyStatement({ sid, actions, resources });
  const objects = (prefix: string) => r.stateBucket.arnForObjects(`${prefix}*`);
  return [
    readStream(r.stream),
    allow(
      "Changelog",
      ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
      [r.table.tableArn],
    ),
    allow("StateObjects", ["s3:GetObject", "s3:PutObject"], Object.values(STATE_PREFIXES).map(objects)),
    seeObjects(r.stateBucket),
    allow("DeleteCheckpoints", ["s3:DeleteObject"], [objects(STATE_PREFIXES.checkpoints)]),
    // The mapping sends what it gives up with this role.
    allow("SendMessages", ["sqs:SendMessage"], [r.deadLetters.queueArn, r.onFailure.queueArn, r.ticks.queueArn]),
    allow("ReceiveTicks", ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [r.ticks.queueArn]),
    ...(r.deliveryStreamArns.length === 0
      ? []
      : [allow("DeliverRows", ["firehose:PutRecordBatch"], [...r.deliveryStreamArns])]),
    ...(r.shuffles.length === 0 ? [] : [writeStreams(r.shuffles)]),
    ...readTables(r.lookupTables),
    allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [r.logGroup.logGroupArn]),
  ];
}

/**
 * Listing checkpoints, for the sweeper. The same permission has S3 answer 404 for an object that is gone, in place of
 * 403: a missing checkpoint means, read the pointer again (X11). To a read of an object no prefix belongs, so the
 * condition must hold where there is none; what it refuses is to list below any other prefix.
 */
const seeObjects = (bucket: Bucket): PolicyStatement =>
  new PolicyStatement({
    sid: "SeeObjects",
    actions: ["s3:ListBucket"],
    resources: [bucket.bucketArn],
    conditions: { StringLikeIfExists: { "s3:prefix": [`${STATE_PREFIXES.checkpoints}*`] } },
  });
