import { Annotations, Fn, Stack } from "aws-cdk-lib";
import { SecurityGroup, Subnet, Vpc } from "aws-cdk-lib/aws-ec2";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import { Key } from "aws-cdk-lib/aws-kms";
import { Bucket } from "aws-cdk-lib/aws-s3";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { MillracePipeline, type NetworkSettings, type StreamSettings } from "millrace/cdk";
import { deployedTemplate } from "./deployed.ts";
import type { Environment, Network } from "./environment.ts";
import type { DeployedPipeline } from "./pipelines.ts";

/** One pipeline in one environment. It knows neither account nor region, so that any may have it. */
export class PipelineStack extends Stack {
  constructor(
    scope: Construct,
    { pipeline, handler }: DeployedPipeline,
    environment: Environment,
    projectRoot: string,
  ) {
    super(scope, `${pipeline.name}-${environment.name}`, {
      description: `Millrace pipeline ${pipeline.name}, ${environment.name}`,
      terminationProtection: environment.removal === "retain",
    });
    new MillracePipeline(this, "Pipeline", {
      pipeline,
      handler,
      projectRoot,
      ...deployedTemplate(projectRoot, this.stackName),
      // Environments may share an account, and with it the catalogue.
      database: `${pipeline.name}_${environment.name}`.toLowerCase().replaceAll("-", "_"),
      stream: { shards: environment.shards, retention: environment.retention },
      streams: this.#streams(pipeline.name, environment.streams),
      function: {
        memory: environment.memory,
        logLevel: environment.logLevel,
        ...(environment.concurrency !== undefined && { reservedConcurrency: environment.concurrency }),
      },
      lakes: { bufferInterval: environment.lakeInterval },
      logRetentionDays: environment.logRetentionDays,
      removal: environment.removal,
      emptyBuckets: environment.emptyBuckets,
      alarms: this.#alarms(environment),
      ...(environment.rollback && { rollback: {} }),
      ...this.#brought(environment),
    });
  }

  /** What is there already, and not this stack's. */
  #brought({ encryptionKeyArn, network, lakeBucket }: Environment) {
    const key = encryptionKeyArn && Key.fromKeyArn(this, "EncryptionKey", encryptionKeyArn);
    return {
      ...(key && { encryptionKey: key }),
      ...(network && { network: this.#network(network) }),
      ...(lakeBucket && {
        buckets: {
          lake: Bucket.fromBucketAttributes(this, "LakeBucket", {
            bucketName: lakeBucket,
            ...(key && { encryptionKey: key }),
          }),
        },
      }),
    };
  }

  #network({ vpcId, subnetIds, securityGroupId }: Network): NetworkSettings {
    const zones = subnetIds.map((_, i) => Fn.select(i, Fn.getAzs()));
    return {
      vpc: Vpc.fromVpcAttributes(this, "Vpc", { vpcId, availabilityZones: zones }),
      subnets: { subnets: subnetIds.map((id) => Subnet.fromSubnetId(this, id, id)) },
      securityGroups: [SecurityGroup.fromSecurityGroupId(this, "SecurityGroup", securityGroupId)],
    };
  }

  /** Existing streams of this pipeline, by their sources. */
  #streams(pipeline: string, arns: Environment["streams"]): Readonly<Record<string, StreamSettings>> {
    const own = Object.entries(arns).filter(([name]) => name.startsWith(`${pipeline}/`));
    return Object.fromEntries(
      own.map(([name, arn]) => {
        const source = name.slice(pipeline.length + 1);
        return [source, { existing: Stream.fromStreamArn(this, `${source}Stream`, arn) }];
      }),
    );
  }

  #alarms({ name, alarmTopicArn, removal }: Environment) {
    if (alarmTopicArn !== undefined) return { topic: Topic.fromTopicArn(this, "AlarmTopic", alarmTopicArn) };
    if (removal === "retain") {
      Annotations.of(this).addWarningV2(
        "millrace:alarms-tell-no-one",
        `Alarms of ${name} tell no one. Give -c alarmTopicArn=….`,
      );
    }
    return {};
  }
}
