import { Validations } from "aws-cdk-lib";
import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { appOf, plain, resourcesOf, synthesized } from "./synthesized.ts";

interface Statement {
  readonly Sid?: string;
  readonly Effect: string;
  readonly Action: string | readonly string[];
  readonly Resource: unknown;
  readonly Condition?: unknown;
}

process.env["CDK_VALIDATION"] = "false";
const { stack } = appOf("prod");
const template = Template.fromStack(stack);

const listOf = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [value]);

/** What each role is allowed, statement by statement. */
function allowed(
  of: Template,
): Readonly<Record<string, Readonly<Record<string, { actions: unknown; resources: unknown; conditions?: unknown }>>>> {
  const roles = Object.entries(resourcesOf(of)).filter(([, { Type }]) => Type === "AWS::IAM::Role");
  return Object.fromEntries(
    roles.map(([id, { Properties }]) => {
      const policies = (Properties["Policies"] ?? []) as { PolicyDocument: { Statement: Statement[] } }[];
      const statements = policies.flatMap(({ PolicyDocument }) => PolicyDocument.Statement);
      return [
        plain({ Ref: id }),
        Object.fromEntries(
          statements.map((each) => [
            each.Sid,
            {
              actions: listOf(each.Action),
              resources: listOf(each.Resource).map(plain),
              ...(each.Condition === undefined ? {} : { conditions: each.Condition }),
            },
          ]),
        ),
      ];
    }),
  );
}

const glue = (resource: string) => `arn:{AWS::Partition}:glue:{AWS::Region}:{AWS::AccountId}:${resource}`;

const delivery = (lake: string, id: string) => ({
  WriteFiles: {
    actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
    resources: [`{PipelineLake.Arn}/data/${lake}/*`, `{PipelineLake.Arn}/errors/${lake}/*`],
  },
  FindBucket: {
    actions: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
    resources: ["{PipelineLake.Arn}"],
  },
  ReadSchema: {
    actions: ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
    resources: [glue("catalog"), glue("database/flight_delays_prod"), glue(`table/flight_delays_prod/${lake}_raw`)],
  },
  WriteLogs: { actions: ["logs:PutLogEvents"], resources: [`{PipelineLakes${id}Logs.Arn}`] },
});

describe("least privilege", () => {
  test("roles may do exactly what is listed here", () => {
    expect(allowed(template)).toEqual({
      "{PipelinedeparturesRole}": {
        ReadStream: {
          actions: [
            "kinesis:DescribeStream",
            "kinesis:DescribeStreamSummary",
            "kinesis:GetRecords",
            "kinesis:GetShardIterator",
            "kinesis:ListShards",
            "kinesis:SubscribeToShard",
          ],
          resources: ["{PipelineStreamsdepartures.Arn}"],
        },
        Changelog: {
          actions: ["dynamodb:GetItem", "dynamodb:PutItem", "dynamodb:Query", "dynamodb:UpdateItem"],
          resources: ["{PipelineChangelog.Arn}"],
        },
        StateObjects: {
          actions: ["s3:GetObject", "s3:PutObject"],
          resources: ["checkpoints", "spills", "dead-letters"].map((prefix) => `{PipelineState.Arn}/${prefix}/*`),
        },
        // The condition holds where a request has no prefix: S3 asks for this permission to answer 404 in place of 403.
        SeeObjects: {
          actions: ["s3:ListBucket"],
          resources: ["{PipelineState.Arn}"],
          conditions: { StringLikeIfExists: { "s3:prefix": ["checkpoints/*"] } },
        },
        DeleteCheckpoints: { actions: ["s3:DeleteObject"], resources: ["{PipelineState.Arn}/checkpoints/*"] },
        SendMessages: {
          actions: ["sqs:SendMessage"],
          resources: ["{PipelineDeadLetters.Arn}", "{PipelineOnFailure.Arn}", "{PipelinedeparturesTicks.Arn}"],
        },
        ReceiveTicks: {
          actions: ["sqs:DeleteMessage", "sqs:GetQueueAttributes", "sqs:ReceiveMessage"],
          resources: ["{PipelinedeparturesTicks.Arn}"],
        },
        DeliverRows: {
          actions: ["firehose:PutRecordBatch"],
          resources: ["{PipelineLakeshourlydelaysDelivery.Arn}", "{PipelineLakeslatedeparturesDelivery.Arn}"],
        },
        WriteLogs: {
          actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
          resources: ["{PipelinedeparturesLogs.Arn}"],
        },
      },
      "{PipelineRollbacksdeparturesRole}": {
        MoveAlias: {
          actions: ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
          resources: ["{PipelinedeparturesFunction.Arn}", "{PipelinedeparturesFunction.Arn}:*"],
        },
        Bake: { actions: ["lambda:InvokeFunction"], resources: ["{PipelineRollbacksBake.Arn}"] },
        SeeAlarms: { actions: ["cloudwatch:DescribeAlarms"], resources: ["*"] },
      },
      "{PipelineRollbacksBakeRole}": {
        EndBakeTime: {
          actions: ["codedeploy:PutLifecycleEventHookExecutionStatus"],
          resources: [
            "arn:{AWS::Partition}:codedeploy:{AWS::Region}:{AWS::AccountId}:deploymentgroup:{PipelineRollbacksApplication}/*",
          ],
        },
        WriteLogs: {
          actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
          resources: ["{PipelineRollbacksLogs.Arn}"],
        },
      },
      "{PipelineLakeshourlydelaysDeliveryRole}": delivery("hourly_delays", "hourlydelays"),
      "{PipelineLakeslatedeparturesDeliveryRole}": delivery("late_departures", "latedepartures"),
    });
  });

  test("no policy of any kind allows an action with *, nor the resource *, but for looking at alarms", () => {
    const looking = statementsAnywhere(template).filter(({ Sid }) => Sid === "SeeAlarms");
    expect(looking.map(({ Action }) => Action)).toEqual(["cloudwatch:DescribeAlarms"]); // CodeDeploy's
    for (const statement of statementsAnywhere(template)) {
      if (looking.includes(statement)) continue;
      for (const action of listOf(statement.Action)) expect(action).not.toContain("*");
      for (const resource of listOf(statement.Resource)) expect(plain(resource)).not.toBe("*");
    }
  });

  test("in dev, what empties the buckets is the only exception", () => {
    const wild = statementsAnywhere(synthesized("dev")).filter(({ Action }) =>
      listOf(Action).some((action) => String(action).includes("*")),
    );
    // CDK's custom resource, whose actions are not ours to choose; it comes only with emptyBuckets.
    expect(wild.length).toBe(2);
    for (const { Action, Resource } of wild) {
      expect(Action).toEqual(["s3:PutBucketPolicy", "s3:GetBucket*", "s3:List*", "s3:DeleteObject*"]);
      expect(listOf(Resource).map(plain)[0]).toMatch(/^\{Pipeline(State|Lake)\.Arn\}$/);
    }
  });

  test("every prefix with * has a written reason", () => {
    const reasons = new Map(
      stack.node
        .findAll()
        .flatMap(({ node }) =>
          node.metadata
            .filter(({ type }) => type === Validations.ACKNOWLEDGED_RULES_METADATA_KEY)
            .flatMap(({ data }) => Object.entries(data as Record<string, string>)),
        ),
    );
    const prefixes = statementsAnywhere(template).flatMap(({ Resource }) =>
      listOf(Resource)
        .map(plain)
        .filter((each) => each.includes("*")),
    );
    expect(prefixes).toHaveLength(11);
    for (const prefix of prefixes) {
      const path = /[/:]?\*$|\/.*$/.exec(prefix)![0];
      const [, reason] = [...reasons].find(([id]) => id.includes("IAM5") && id.endsWith(`${path}]`)) ?? [];
      expect(reason, prefix).toMatch(/\w+ \w+ \w+/);
    }
  });

  test("no role has a managed policy, and only its own service may take it", () => {
    for (const { Type, Properties } of Object.values(resourcesOf(template))) {
      if (Type !== "AWS::IAM::Role") continue;
      expect(Properties).not.toHaveProperty("ManagedPolicyArns");
      const { Statement } = Properties["AssumeRolePolicyDocument"] as {
        Statement: { Principal: { Service: string } }[];
      };
      expect(Statement.map(({ Principal }) => Principal.Service)).toEqual([
        expect.stringMatching(/^(lambda|firehose|codedeploy)\.amazonaws\.com$/),
      ]);
    }
  });
});

/** Every statement that allows something, of roles and of resources. */
function statementsAnywhere(of: Template): readonly Statement[] {
  const found: Statement[] = [];
  const visit = (value: unknown): void => {
    if (typeof value !== "object" || value === null) return;
    if ("Effect" in value && "Resource" in value && value.Effect === "Allow") found.push(value as Statement);
    for (const each of Object.values(value)) visit(each);
  };
  visit(resourcesOf(of));
  return found;
}
