import { CfnOutput, Duration, RemovalPolicy } from "aws-cdk-lib";
import type { ITable } from "aws-cdk-lib/aws-dynamodb";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import {
  Architecture,
  FunctionUrlAuthType,
  Function as LambdaFunction,
  LoggingFormat,
  type Code,
  type FunctionUrl,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { acknowledge } from "./acknowledge.ts";
import { bundledCode } from "./bundle.ts";
import { FUNCTION_RUNTIME } from "./function-runtime.ts";

export interface ViewQueryProps {
  /** The view's table: `pipeline.viewTable("balances")`. */
  readonly table: ITable;
  /** The module that exports `handler`, made by `viewQueryHandler`, as a path from `projectRoot`. */
  readonly handler: string;
  /** @default the working directory */
  readonly projectRoot?: string;
  /** Code that was bundled before, in place of bundling `handler`. @default `handler` is bundled */
  readonly code?: Code;
  /** Who may ask: whoever IAM lets call the URL, or everyone. @default "iam" */
  readonly auth?: "iam" | "everyone";
  /** Megabytes. @default 512 */
  readonly memory?: number;
  /** The most invocations at a time, taken from the account's. @default the account's */
  readonly reservedConcurrency?: number;
  /** @default 30 days */
  readonly logRetention?: RetentionDays;
}

/**
 * A function that answers queries of a view over HTTP, behind a URL of its own. It may read the view's table, and nothing else.
 * Whoever is to ask is given leave: `query.url.grantInvokeUrl(role)`.
 */
export class ViewQuery extends Construct {
  readonly target: LambdaFunction;
  readonly url: FunctionUrl;

  /** @throws definition error `provision/bundle` */
  constructor(scope: Construct, id: string, props: ViewQueryProps) {
    super(scope, id);
    const { table, auth = "iam", memory = 512, logRetention = RetentionDays.ONE_MONTH } = props;
    const logGroup = new LogGroup(this, "Logs", { retention: logRetention, removalPolicy: RemovalPolicy.DESTROY });
    const allow = (sid: string, actions: string[], resources: string[]) =>
      new PolicyStatement({ sid, actions, resources });
    const role = new Role(this, "Role", {
      description: "Reads a view",
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: {
        Query: new PolicyDocument({
          statements: [
            allow("ReadView", ["dynamodb:GetItem", "dynamodb:Query"], [table.tableArn]),
            ...(table.encryptionKey === undefined
              ? []
              : [allow("DecryptView", ["kms:Decrypt"], [table.encryptionKey.keyArn])]),
            allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], [logGroup.logGroupArn]),
          ],
        }),
      },
    });
    this.target = new LambdaFunction(this, "Function", {
      description: "Millrace: answers queries of a view",
      code: props.code ?? bundledCode(props.handler, props.projectRoot ?? process.cwd()),
      handler: "index.handler",
      runtime: FUNCTION_RUNTIME,
      architecture: Architecture.ARM_64,
      memorySize: memory,
      timeout: Duration.seconds(10),
      role,
      logGroup,
      loggingFormat: LoggingFormat.JSON,
      ...(props.reservedConcurrency === undefined ? {} : { reservedConcurrentExecutions: props.reservedConcurrency }),
      environment: { MILLRACE_VIEW_TABLE: table.tableName, NODE_OPTIONS: "--enable-source-maps" },
    });
    acknowledge(
      this.target,
      "AwsSolutions-L1",
      "Node 22 is supported, and the one that the pipeline's own functions run on.",
    );
    this.url = this.target.addFunctionUrl({
      authType: auth === "iam" ? FunctionUrlAuthType.AWS_IAM : FunctionUrlAuthType.NONE,
    });
    new CfnOutput(this, "Url", { value: this.url.url, description: "Where queries are sent" });
  }
}
