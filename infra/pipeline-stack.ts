import { Annotations, Stack } from "aws-cdk-lib";
import { Topic } from "aws-cdk-lib/aws-sns";
import type { Construct } from "constructs";
import { MillracePipeline } from "millrace/cdk";
import type { Environment } from "./environment.ts";
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
      // Environments may share an account, and with it the catalogue.
      database: `${pipeline.name}_${environment.name}`.toLowerCase().replaceAll("-", "_"),
      stream: { shards: environment.shards, retention: environment.retention },
      function: { memory: environment.memory, logLevel: environment.logLevel },
      lakes: { bufferInterval: environment.lakeInterval },
      logRetentionDays: environment.logRetentionDays,
      removal: environment.removal,
      emptyBuckets: environment.emptyBuckets,
      alarms: this.#alarms(environment),
    });
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
