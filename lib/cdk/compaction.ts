import { extname } from "node:path";
import { fileURLToPath } from "node:url";
import { Duration, Stack, type RemovalPolicy } from "aws-cdk-lib";
import { Rule, RuleTargetInput, Schedule } from "aws-cdk-lib/aws-events";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Function as LambdaFunction, LoggingFormat } from "aws-cdk-lib/aws-lambda";
import { LogGroup, type ILogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import type { CheckedCompaction, ProvisionedLake } from "../connectors/firehose/provision.ts";
import { acknowledge, acknowledgePrefix } from "./acknowledge.ts";
import { bundledCode } from "./bundle.ts";
import { FUNCTION_RUNTIME } from "./function-runtime.ts";
import type { NetworkSettings } from "./pipeline-props.ts";
import { acknowledgeJoining, joinNetwork } from "./stage-role.ts";
import { networkOf } from "./stage.ts";

/** The library's own folder, of sources or of what was built. */
const LIBRARY = fileURLToPath(new URL("..", import.meta.url));

/** A merged file of 256 MB takes 1.23 GB, by measurement (docs/lake.md): its bytes, its ids, and the largest row group. */
const MEMORY = 2_048;

export interface CompactionPlace {
  readonly pipeline: string;
  readonly bucket: IBucket;
  readonly settings: CheckedCompaction;
  readonly network: NetworkSettings | undefined;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

/** The function that merges the lakes' files, and what starts it: once for each lake. */
export class Compaction extends Construct {
  readonly target: LambdaFunction;

  constructor(scope: Construct, lakes: readonly ProvisionedLake[], place: CompactionPlace) {
    super(scope, "Compaction");
    const { pipeline, bucket, settings, logRetention, removalPolicy } = place;
    const logGroup = new LogGroup(this, "Logs", { retention: logRetention, removalPolicy });
    this.target = new LambdaFunction(this, "Function", {
      description: `Millrace: merges the files of the lakes of the pipeline ${pipeline}`,
      code: bundledCode(`lambda/compaction${extname(import.meta.url)}`, LIBRARY),
      handler: "index.handler",
      runtime: FUNCTION_RUNTIME,
      architecture: Architecture.ARM_64,
      memorySize: MEMORY,
      timeout: Duration.minutes(15),
      role: compactionRole(this, lakes, { ...place, logGroup }),
      logGroup,
      ...networkOf(place.network),
      loggingFormat: LoggingFormat.TEXT,
      environment: {
        MILLRACE_COMPACTION: Stack.of(this).toJsonString({
          bucket: bucket.bucketName,
          closedAfterMillis: settings.closedAfterSeconds * 1_000,
          largest: settings.fileMegabytes * 1_024 * 1_024,
        }),
        NODE_OPTIONS: "--enable-source-maps",
        POWERTOOLS_SERVICE_NAME: pipeline,
      },
    });
    acknowledge(
      this.target,
      "AwsSolutions-L1",
      "Node 22 is supported, and the one that the pipeline's own functions run on.",
    );
    for (const lake of lakes) this.#start(lake, settings.everySeconds);
  }

  #start({ name, prefix, columns }: ProvisionedLake, seconds: number): void {
    const rule = new Rule(this, name, {
      description: `Millrace: has the files of lake("${name}") merged`,
      schedule: Schedule.rate(Duration.seconds(seconds)),
    });
    const lake = { name, prefix, columns: columns.map((column) => ({ name: column.name, type: column.type })) };
    rule.addTarget({ bind: () => ({ arn: this.target.functionArn, input: RuleTargetInput.fromObject(lake) }) });
    this.target.addPermission(`Start-${name}`, {
      principal: new ServicePrincipal("events.amazonaws.com"),
      sourceArn: rule.ruleArn,
    });
  }
}

/** Reads and deletes the lakes' files, and writes merged ones, and nothing else. */
function compactionRole(
  scope: Construct,
  lakes: readonly ProvisionedLake[],
  { bucket, logGroup, network }: Pick<CompactionPlace, "bucket" | "network"> & { readonly logGroup: ILogGroup },
): Role {
  const all = lakes.map(({ prefix }) => prefix);
  const merged = all.map((prefix) => `${prefix}*/merged-`);
  const key = bucket.encryptionKey?.keyArn;
  const allow = (sid: string, actions: string[], resources: string[]) =>
    new PolicyStatement({ sid, actions, resources });
  const role = new Role(scope, "Role", {
    description: "Merges files of lakes",
    assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
    inlinePolicies: {
      Compaction: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "ListFiles",
            actions: ["s3:ListBucket"],
            resources: [bucket.bucketArn],
            conditions: { StringLike: { "s3:prefix": all } },
          }),
          allow(
            "ReplaceFiles",
            ["s3:DeleteObject", "s3:GetObject"],
            all.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
          ),
          allow(
            "WriteMerged",
            ["s3:PutObject"],
            merged.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
          ),
          allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [logGroup.logGroupArn]),
          ...(key === undefined ? [] : [allow("UseKey", ["kms:Decrypt", "kms:GenerateDataKey"], [key])]),
          ...(network === undefined ? [] : joinNetwork()),
        ],
      }),
    },
  });
  for (const prefix of [...all, ...merged]) {
    acknowledgePrefix(role, bucket, prefix, "Files are named by days and at random, and merged ones by their content.");
  }
  if (network !== undefined) acknowledgeJoining(role);
  return role;
}
