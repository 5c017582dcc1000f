import { Duration, Stack } from "aws-cdk-lib";
import type { IAlarm } from "aws-cdk-lib/aws-cloudwatch";
import { CfnApplication, CfnDeploymentGroup } from "aws-cdk-lib/aws-codedeploy";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { Architecture, Code, Function as LambdaFunction, LoggingFormat, type CfnAlias } from "aws-cdk-lib/aws-lambda";
import { LogGroup } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledgeResource, acknowledgeRuntime } from "./acknowledge.ts";
import type { CheckedSettings } from "./checked-settings.ts";
import { FUNCTION_RUNTIME } from "./function-runtime.ts";
import type { ProvisionedStage } from "./stage.ts";

/** Lets the bake time pass: an all-at-once deployment ends with its shift, and CodeDeploy looks at alarms until a deployment ends. */
export const BAKE = `
const { CodeDeployClient, PutLifecycleEventHookExecutionStatusCommand } = require("@aws-sdk/client-codedeploy");
exports.handler = async ({ DeploymentId, LifecycleEventHookExecutionId }) => {
  await new Promise((resolve) => setTimeout(resolve, Number(process.env.BAKE_SECONDS) * 1000));
  await new CodeDeployClient().send(new PutLifecycleEventHookExecutionStatusCommand({
    deploymentId: DeploymentId,
    lifecycleEventHookExecutionId: LifecycleEventHookExecutionId,
    status: "Succeeded",
  }));
};
`.trim();

/** What the function needs beyond its sleep: to start, and to make its call. */
const SPARE_SECONDS = 30;

/**
 * Has CodeDeploy move the stages' aliases, and move them back when a stage's alarm is raised while the new build bakes.
 *
 * All at once: of two builds that take turns on one task, the older may not know what the newer has committed. The
 * conditional put would keep it exactly once, and every other batch would fail.
 */
export class Rollbacks extends Construct {
  readonly #application: CfnApplication;
  readonly #bake: LambdaFunction;

  constructor(scope: Construct, pipeline: string, bakeSeconds: number, settings: CheckedSettings) {
    super(scope, "Rollbacks");
    this.#application = new CfnApplication(this, "Application", { computePlatform: "Lambda" });
    this.#bake = this.#bakeFunction(pipeline, bakeSeconds, settings);
  }

  /** @param alarms at most ten, CodeDeploy's limit for a group */
  watch({ name, target, live }: ProvisionedStage, alarms: readonly IAlarm[]): void {
    const role = new Role(this, `${name}-Role`, {
      description: `Moves the alias of the stage ${name}`,
      assumedBy: new ServicePrincipal("codedeploy.amazonaws.com"),
      inlinePolicies: {
        Move: new PolicyDocument({
          statements: [
            new PolicyStatement({
              sid: "MoveAlias",
              actions: ["lambda:GetAlias", "lambda:GetProvisionedConcurrencyConfig", "lambda:UpdateAlias"],
              resources: [target.functionArn, `${target.functionArn}:*`],
            }),
            new PolicyStatement({
              sid: "Bake",
              actions: ["lambda:InvokeFunction"],
              resources: [this.#bake.functionArn],
            }),
            new PolicyStatement({ sid: "SeeAlarms", actions: ["cloudwatch:DescribeAlarms"], resources: ["*"] }),
          ],
        }),
      },
    });
    const reason = "CodeDeploy asks for alarms without naming one, and for versions, which deployments make.";
    for (const resource of ["*", `${target.functionArn}:*`]) acknowledgeResource(role, resource, reason);
    const group = new CfnDeploymentGroup(this, `${name}-Group`, {
      applicationName: this.#application.ref,
      serviceRoleArn: role.roleArn,
      deploymentConfigName: "CodeDeployDefault.LambdaAllAtOnce",
      deploymentStyle: { deploymentType: "BLUE_GREEN", deploymentOption: "WITH_TRAFFIC_CONTROL" },
      alarmConfiguration: { enabled: true, alarms: alarms.map(({ alarmName }) => ({ name: alarmName })) },
      autoRollbackConfiguration: {
        enabled: true,
        events: ["DEPLOYMENT_FAILURE", "DEPLOYMENT_STOP_ON_ALARM", "DEPLOYMENT_STOP_ON_REQUEST"],
      },
    });
    const alias = live.node.defaultChild as CfnAlias;
    alias.cfnOptions.updatePolicy = {
      codeDeployLambdaAliasUpdate: {
        applicationName: this.#application.ref,
        deploymentGroupName: group.ref,
        afterAllowTrafficHook: this.#bake.functionName,
      },
    };
  }

  #bakeFunction(pipeline: string, bakeSeconds: number, settings: CheckedSettings): LambdaFunction {
    const logGroup = new LogGroup(this, "Logs", {
      retention: settings.logRetention,
      removalPolicy: settings.removalPolicy,
    });
    // All groups of this application: to name one, it would have to be there before the role that it needs.
    const { partition, region, account } = Stack.of(this);
    const groups = `arn:${partition}:codedeploy:${region}:${account}:deploymentgroup:${this.#application.ref}/*`;
    const role = new Role(this, "BakeRole", {
      description: `Ends the bake time of deployments of the pipeline ${pipeline}`,
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: {
        Bake: new PolicyDocument({
          statements: [
            new PolicyStatement({
              sid: "EndBakeTime",
              actions: ["codedeploy:PutLifecycleEventHookExecutionStatus"],
              resources: [groups],
            }),
            new PolicyStatement({
              sid: "WriteLogs",
              actions: ["logs:CreateLogStream", "logs:PutLogEvents"],
              resources: [logGroup.logGroupArn],
            }),
          ],
        }),
      },
    });
    acknowledgeResource(
      role,
      groups,
      "They are the groups of one application, which has no others than this pipeline's.",
    );
    const bake = new LambdaFunction(this, "Bake", {
      description: `Millrace: lets the bake time of deployments of the pipeline ${pipeline} pass`,
      code: Code.fromInline(BAKE),
      handler: "index.handler",
      runtime: FUNCTION_RUNTIME,
      architecture: Architecture.ARM_64,
      timeout: Duration.seconds(bakeSeconds + SPARE_SECONDS),
      role,
      logGroup,
      loggingFormat: LoggingFormat.TEXT,
      environment: { BAKE_SECONDS: String(bakeSeconds) },
    });
    acknowledgeRuntime(bake);
    return bake;
  }
}
