import { account } from "../template/account.ts";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { propertyText } from "../template/property-text.ts";

/** A function as its template sets it. */
export interface FunctionSettings {
  readonly name: string;
  readonly logicalId: string;
  readonly arn: string;
  readonly memoryMegabytes: number;
  readonly timeoutMillis: number;
  /** Invocations at a time; undefined means no limit. */
  readonly reservedConcurrency: number | undefined;
  readonly variables: Readonly<Record<string, string>>;
}

/** Lambda's defaults. */
const defaultMegabytes = 128;
const defaultTimeoutSeconds = 3;

/** The origins that functions are to use, by the SDK's service names. */
export type FunctionEndpoints = Readonly<
  Record<
    "KINESIS" | "DYNAMODB" | "DYNAMODB_STREAMS" | "S3" | "SQS" | "FIREHOSE" | "SNS" | "EVENTBRIDGE" | "SECRETS_MANAGER",
    string
  >
>;

export function functionSettings(
  resource: ResolvedResource,
  taskRoot: string,
  endpoints: FunctionEndpoints,
  userQueueOrigin: string,
): FunctionSettings {
  const { properties } = resource;
  const memoryMegabytes = Number(properties["MemorySize"] ?? defaultMegabytes);
  const reserved = properties["ReservedConcurrentExecutions"];
  const environment = isRecord(properties["Environment"]) ? properties["Environment"]["Variables"] : undefined;
  const own: Record<string, string> = {};
  for (const [name, value] of Object.entries(isRecord(environment) ? environment : {})) {
    // A queue's URL leads its client to its host: a function's must lead to the functions' port.
    own[name] = String(value).replaceAll(`${userQueueOrigin}/`, `${endpoints.SQS}/`);
  }
  const logGroup = `/aws/lambda/${resource.name}`;
  return {
    name: resource.name,
    logicalId: resource.logicalId,
    arn: resource.arn ?? resource.name,
    memoryMegabytes,
    timeoutMillis: Number(properties["Timeout"] ?? defaultTimeoutSeconds) * 1000,
    reservedConcurrency: reserved === undefined ? undefined : Number(reserved),
    variables: {
      PATH: process.env["PATH"] ?? "",
      LANG: "en_US.UTF-8",
      TZ: ":UTC",
      LAMBDA_TASK_ROOT: taskRoot,
      _HANDLER: propertyText(properties["Handler"] ?? "index.handler"),
      AWS_EXECUTION_ENV: `AWS_Lambda_${propertyText(properties["Runtime"] ?? "nodejs22.x")}`,
      AWS_REGION: account.region,
      AWS_DEFAULT_REGION: account.region,
      AWS_ACCESS_KEY_ID: "local",
      AWS_SECRET_ACCESS_KEY: "local",
      AWS_SESSION_TOKEN: "local",
      AWS_LAMBDA_FUNCTION_NAME: resource.name,
      AWS_LAMBDA_FUNCTION_VERSION: "$LATEST",
      AWS_LAMBDA_FUNCTION_MEMORY_SIZE: String(memoryMegabytes),
      AWS_LAMBDA_INITIALIZATION_TYPE: "on-demand",
      AWS_LAMBDA_LOG_GROUP_NAME: logGroup,
      AWS_LAMBDA_LOG_STREAM_NAME: "local",
      AWS_EC2_METADATA_DISABLED: "true",
      ...Object.fromEntries(
        Object.entries(endpoints).map(([service, origin]) => [`AWS_ENDPOINT_URL_${service}`, origin]),
      ),
      ...own,
    },
  };
}
