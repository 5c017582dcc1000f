import { Duration as CdkDuration, RemovalPolicy, Stack } from "aws-cdk-lib";
import { HttpApi, HttpMethod, type CfnStage } from "aws-cdk-lib/aws-apigatewayv2";
import { HttpJwtAuthorizer } from "aws-cdk-lib/aws-apigatewayv2-authorizers";
import { HttpLambdaIntegration } from "aws-cdk-lib/aws-apigatewayv2-integrations";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import type { IStream } from "aws-cdk-lib/aws-kinesis";
import {
  Architecture,
  Function as LambdaFunction,
  FunctionUrlAuthType,
  LoggingFormat,
  type Code,
} from "aws-cdk-lib/aws-lambda";
import { LogGroup, type RetentionDays } from "aws-cdk-lib/aws-logs";
import { Construct } from "constructs";
import { wholeWithin } from "../connectors/limits.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import { acknowledgeRuntime } from "./acknowledge.ts";
import { bundledCode } from "./bundle.ts";
import { FUNCTION_RUNTIME } from "./function-runtime.ts";

/** Tokens of an issuer of one's own (OpenID Connect, OAuth 2.0), looked at by an HTTP API. */
export interface JwtSettings {
  readonly issuer: string;
  readonly audience: readonly string[];
}

export interface HttpIngestProps {
  /** The source that events are of: a Kinesis one. */
  readonly source: SourceDeclaration;
  /** Its stream: the pipeline's, or the one that the pipeline was given. */
  readonly stream: IStream;
  /** The module that exports `handler`, an `ingestHandler`, as a path from `projectRoot`. */
  readonly handler: string;
  /** The directory with package.json and tsconfig.json. @default the working directory */
  readonly projectRoot?: string;
  /** Code that was bundled before, in place of bundling `handler`. @default `handler` is bundled */
  readonly code?: Code;
  /**
   * Who may send: whoever IAM lets invoke the function's URL (`grantSend`), whoever has a token of an issuer, or everyone, who
   * may then fill the stream at your cost.
   *
   * @default "iam"
   */
  readonly auth?: "iam" | { readonly jwt: JwtSettings } | "public";
  /** The most invocations at a time, 1 or more, taken from the account's: what it costs at most. @default the account's */
  readonly reservedConcurrency?: number;
  /** Megabytes, 128 to 10,240. @default 512 */
  readonly memory?: number;
  /** @default a month */
  readonly logRetention?: RetentionDays;
  /** What becomes of logs when the stack is deleted. @default "destroy" */
  readonly removal?: "retain" | "destroy";
}

/** Longer than a stream without room is waited for. */
const TIMEOUT_SECONDS = 15;
const MONTH: RetentionDays = 30;

/**
 * Takes events by HTTP into a source's stream: a function behind a URL, or behind an HTTP API where tokens are looked at.
 *
 * @throws definition errors `provision/limit`, `provision/bundle`
 */
export class HttpIngest extends Construct {
  readonly target: LambdaFunction;
  /** Where events are sent. */
  readonly url: string;

  constructor(scope: Construct, id: string, props: HttpIngestProps) {
    super(scope, id);
    const { source, stream, auth = "iam" } = props;
    const what = `HttpIngest("${source.name}")`;
    const removalPolicy = props.removal === "retain" ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    const logs = { retention: props.logRetention ?? MONTH, removalPolicy };
    const logGroup = new LogGroup(this, "Logs", logs);
    this.target = new LambdaFunction(this, "Function", {
      description: `Millrace: takes events of the source ${source.name} by HTTP`,
      code: props.code ?? bundledCode(props.handler, props.projectRoot ?? process.cwd()),
      handler: "index.handler",
      runtime: FUNCTION_RUNTIME,
      architecture: Architecture.ARM_64,
      memorySize: wholeWithin(`${what}.memory`, props.memory ?? 512, {
        least: 128,
        most: 10_240,
        unit: "MB",
        why: "Lambda's limits.",
      }),
      timeout: CdkDuration.seconds(TIMEOUT_SECONDS),
      ...(props.reservedConcurrency !== undefined && {
        reservedConcurrentExecutions: atATime(what, props.reservedConcurrency),
      }),
      role: this.#role(stream, logGroup),
      logGroup,
      loggingFormat: LoggingFormat.TEXT,
      environment: {
        MILLRACE_INGEST: Stack.of(this).toJsonString({ source: source.name, stream: stream.streamName }),
        NODE_OPTIONS: "--enable-source-maps",
      },
    });
    acknowledgeRuntime(this.target);
    this.url = typeof auth === "object" ? this.#api(auth.jwt, logs) : this.#functionUrl(auth);
  }

  /** Exactly what it does: no one who sends can have it do more. */
  #role({ streamArn, encryptionKey }: IStream, logGroup: LogGroup): Role {
    const allow = (sid: string, actions: string[], resource: string) =>
      new PolicyStatement({ sid, actions, resources: [resource] });
    const statements = [
      allow("PutEvents", ["kinesis:PutRecords"], streamArn),
      allow("WriteLogs", ["logs:CreateLogStream", "logs:PutLogEvents"], logGroup.logGroupArn),
      ...(encryptionKey === undefined ? [] : [allow("UseKey", ["kms:GenerateDataKey"], encryptionKey.keyArn)]),
    ];
    return new Role(this, "Role", {
      description: "Puts events that came by HTTP into a stream",
      assumedBy: new ServicePrincipal("lambda.amazonaws.com"),
      inlinePolicies: { Ingest: new PolicyDocument({ statements }) },
    });
  }

  #functionUrl(auth: "iam" | "public"): string {
    const authType = auth === "public" ? FunctionUrlAuthType.NONE : FunctionUrlAuthType.AWS_IAM;
    return this.target.addFunctionUrl({ authType }).url;
  }

  #api({ issuer, audience }: JwtSettings, logs: { retention: RetentionDays; removalPolicy: RemovalPolicy }): string {
    const api = new HttpApi(this, "Api", {
      description: "Millrace: takes events by HTTP",
      defaultAuthorizer: new HttpJwtAuthorizer("Tokens", issuer, { jwtAudience: [...audience] }),
    });
    api.addRoutes({
      path: "/events",
      methods: [HttpMethod.POST],
      integration: new HttpLambdaIntegration("Ingest", this.target),
    });
    const accessLogs = new LogGroup(this, "AccessLogs", logs);
    const stage = api.defaultStage!.node.defaultChild as CfnStage;
    stage.accessLogSettings = {
      destinationArn: accessLogs.logGroupArn,
      format: JSON.stringify({
        time: "$context.requestTime",
        request: "$context.requestId",
        ip: "$context.identity.sourceIp",
        status: "$context.status",
        bytes: "$context.responseLength",
        error: "$context.authorizer.error",
      }),
    };
    return `${api.apiEndpoint}/events`;
  }
}

const atATime = (what: string, value: number): number =>
  wholeWithin(`${what}.reservedConcurrency`, value, {
    least: 1,
    most: 100_000,
    unit: "invocations at a time",
    why: "It is taken from the account's.",
  });
