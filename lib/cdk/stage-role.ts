import type { ITable, Table } from "aws-cdk-lib/aws-dynamodb";
import { Effect, PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import type { ILogGroup } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { IQueue } from "aws-cdk-lib/aws-sqs";
import type { Construct } from "constructs";
import { readTables } from "../connectors/dynamodb-table/provision.ts";
import { writeShuffle } from "../connectors/kinesis/provision.ts";
import type { Grant, ProvisionedSystem } from "../connectors/provisioned.ts";
import { acknowledge, acknowledgePrefix, acknowledgeResource } from "./acknowledge.ts";
import { STATE_PREFIXES } from "./stores.ts";

/** What a stage's function touches. */
export interface StageResources {
  /** What it reads from and writes to. */
  readonly systems: readonly Pick<ProvisionedSystem, "grants">[];
  readonly table: Table;
  readonly stateBucket: IBucket;
  readonly deadLetters: IQueue;
  readonly onFailure: IQueue;
  readonly ticks: IQueue;
  /** Queues of the ticks of the stages that write to it. */
  readonly producersTicks: readonly IQueue[];
  /** Internal streams it writes to. */
  readonly shuffles: readonly IStream[];
  /** Tables it looks up in. */
  readonly lookupTables: readonly ITable[];
  readonly logGroup: ILogGroup;
  /** Keys of whatever of these is encrypted by other than AWS's. */
  readonly keyArns: readonly string[];
  /** Whether the function is in a VPC. */
  readonly isInNetwork: boolean;
  /** Whether its stage has tasks: one without has dead letters alone to keep. */
  readonly hasTasks: boolean;
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
  for (const prefix of prefixesOf(resources)) {
    acknowledgePrefix(
      role,
      stateBucket,
      prefix,
      "Keys contain a task, an epoch and a nonce that are made at run time.",
    );
  }
  for (const { resources: patterns, pattern } of resources.systems.flatMap(({ grants }) => grants)) {
    if (pattern !== undefined) for (const one of patterns) acknowledgeResource(role, one, pattern);
  }
  const isEverywhere = resources.systems.some(({ grants }) => grants.some(({ isForLambdaAlone }) => isForLambdaAlone));
  if (resources.isInNetwork || isEverywhere) acknowledgeJoining(role);
  return role;
}

const prefixesOf = ({ hasTasks }: Pick<StageResources, "hasTasks">): readonly string[] =>
  hasTasks ? Object.values(STATE_PREFIXES) : [STATE_PREFIXES.deadLetters];

function statementsOf(r: StageResources): PolicyStatement[] {
  const allow = (sid: string, actions: string[], resources: string[]) =>
    new PolicyStatement({ sid, actions, resources });
  const objects = (prefix: string) => r.stateBucket.arnForObjects(`${prefix}*`);
  return [
    ...granted(r.systems.flatMap(({ grants }) => grants)),
    allow("StateObjects", ["s3:GetObject", "s3:PutObject"], prefixesOf(r).map(objects)),
    ...(r.hasTasks ? keepState(r, objects(STATE_PREFIXES.checkpoints)) : [countTrials(r)]),
    // The mapping sends what it gives up with this role.
    allow("SendMessages", ["sqs:SendMessage"], [r.deadLetters.queueArn, r.onFailure.queueArn, r.ticks.queueArn]),
    ...(r.producersTicks.length === 0
      ? []
      : [
          allow(
            "WakeProducers",
            ["sqs:SendMessage"],
            r.producersTicks.map(({ queueArn }) => queueArn),
          ),
        ]),
    allow("ReceiveTicks", ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"], [r.ticks.queueArn]),
    ...granted(r.shuffles.map(writeShuffle)),
    ...readTables(r.lookupTables),
    allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [r.logGroup.logGroupArn]),
    ...(r.keyArns.length === 0 ? [] : [allow("UseKeys", USE_OF_A_KEY, [...r.keyArns])]),
    ...(r.isInNetwork ? joinNetwork() : []),
  ];
}

/** What a task does with its state. */
const keepState = ({ table, stateBucket }: StageResources, checkpoints: string): readonly PolicyStatement[] => [
  new PolicyStatement({
    sid: "Changelog",
    actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
    resources: [table.tableArn],
  }),
  seeObjects(stateBucket),
  new PolicyStatement({ sid: "DeleteCheckpoints", actions: ["s3:DeleteObject"], resources: [checkpoints] }),
];

/** What of it a stage does that has no tasks: it counts attempts at messages that may end the process (X7). */
const countTrials = ({ table }: StageResources): PolicyStatement =>
  new PolicyStatement({
    sid: "Trials",
    actions: ["dynamodb:GetItem", "dynamodb:Query", "dynamodb:UpdateItem"],
    resources: [table.tableArn],
  });

/** Statements of grants: one a sid. */
function granted(grants: readonly Grant[]): readonly PolicyStatement[] {
  const statements = new Map<string, PolicyStatement>();
  for (const { sid, actions, resources, conditions = {}, isForLambdaAlone = false } of grants) {
    if (isForLambdaAlone) statements.set(`${sid}Only`, onlyLambda(`${sid}Only`, actions));
    const statement = statements.get(sid) ?? new PolicyStatement({ sid });
    statement.addActions(...actions);
    statement.addResources(...resources);
    for (const [operator, keys] of Object.entries(conditions)) statement.addCondition(operator, keys);
    statements.set(sid, statement);
  }
  return [...statements.values()];
}

/** What reading and writing encrypted tables, streams, queues and objects takes. */
const USE_OF_A_KEY = [
  "kms:Decrypt",
  "kms:DescribeKey",
  "kms:Encrypt",
  "kms:GenerateDataKey",
  "kms:GenerateDataKeyWithoutPlaintext",
  "kms:ReEncryptFrom",
  "kms:ReEncryptTo",
];

const INTERFACES = [
  "ec2:AssignPrivateIpAddresses",
  "ec2:CreateNetworkInterface",
  "ec2:DeleteNetworkInterface",
  "ec2:DescribeNetworkInterfaces",
  "ec2:DescribeSubnets",
  "ec2:UnassignPrivateIpAddresses",
];

/** {@link joinNetwork} names all resources. */
export const acknowledgeJoining = (role: Role): void =>
  acknowledge(
    role,
    "AwsSolutions-IAM5[Resource::*]",
    "Network interfaces have no names before Lambda makes them; calls by the function's own code are denied.",
  );

/** What Lambda does with the role to join a VPC. Code that runs in the function names itself in its calls: denied. */
export const joinNetwork = (): readonly PolicyStatement[] => [
  new PolicyStatement({ sid: "JoinNetwork", actions: INTERFACES, resources: ["*"] }),
  onlyLambda("OnlyLambdaJoins", INTERFACES),
];

const onlyLambda = (sid: string, actions: readonly string[]): PolicyStatement =>
  new PolicyStatement({
    sid,
    effect: Effect.DENY,
    actions: [...actions],
    resources: ["*"],
    conditions: { Null: { "lambda:SourceFunctionArn": "false" } },
  });

/**
 * Listing checkpoints, for the sweeper. The same permission has S3 answer 404 for an object that is gone, in place of
 * 403: a missing checkpoint means, read the pointer again (X11). To a read of an object no prefix belongs, so the
 * condition must hold where there is none; what it refuses is to list below any other prefix.
 */
const seeObjects = (bucket: IBucket): PolicyStatement =>
  new PolicyStatement({
    sid: "SeeObjects",
    actions: ["s3:ListBucket"],
    resources: [bucket.bucketArn],
    conditions: { StringLikeIfExists: { "s3:prefix": [`${STATE_PREFIXES.checkpoints}*`] } },
  });
