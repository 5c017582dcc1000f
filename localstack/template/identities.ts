import { account, arnOf } from "./account.ts";
import { isRecord } from "./template-file.ts";

/** How a resource is called by others. */
export interface Identity {
  readonly name: string;
  readonly ref: string;
  readonly arn: string | undefined;
  readonly attributes: Readonly<Record<string, string>>;
}

/** What an identity is made from. `properties` need be resolved only as far as names go. */
export interface Naming {
  readonly stackName: string;
  readonly logicalId: string;
  readonly type: string;
  property(name: string): unknown;
  /** Origin of queue URLs, without a slash at the end. */
  readonly queueOrigin: string;
}

/** The name that the template gives, or one made from the stack and the logical id as CloudFormation would. */
function physicalName(naming: Naming, property: string): string {
  const given = naming.property(property);
  return typeof given === "string" ? given : `${naming.stackName}-${naming.logicalId}`;
}

function named(name: string, arn: string, attributes: Readonly<Record<string, string>> = {}): Identity {
  return { name, ref: name, arn, attributes: { Arn: arn, ...attributes } };
}

const makers: Readonly<Record<string, ((naming: Naming) => Identity) | undefined>> = {
  "AWS::Kinesis::Stream": (naming) => {
    const name = physicalName(naming, "Name");
    return named(name, arnOf("kinesis", `stream/${name}`));
  },
  "AWS::DynamoDB::Table": tableIdentity,
  "AWS::DynamoDB::GlobalTable": tableIdentity,
  "AWS::S3::Bucket": (naming) => {
    const given = naming.property("BucketName");
    const generated = `${naming.stackName}-${naming.logicalId}`
      .toLowerCase()
      .replace(/[^a-z0-9.-]/g, "-")
      .slice(0, 63);
    const name = typeof given === "string" ? given : generated;
    return named(name, `arn:${account.partition}:s3:::${name}`, {
      DomainName: `${name}.s3.${account.urlSuffix}`,
      RegionalDomainName: `${name}.s3.${account.region}.${account.urlSuffix}`,
    });
  },
  "AWS::SQS::Queue": (naming) => {
    const given = naming.property("QueueName");
    const fifo = naming.property("FifoQueue") === true || naming.property("FifoQueue") === "true";
    const name = typeof given === "string" ? given : `${naming.stackName}-${naming.logicalId}${fifo ? ".fifo" : ""}`;
    const url = `${naming.queueOrigin}/${account.id}/${name}`;
    const arn = arnOf("sqs", name);
    return { name, ref: url, arn, attributes: { Arn: arn, QueueName: name, QueueUrl: url } };
  },
  "AWS::KinesisFirehose::DeliveryStream": (naming) => {
    const name = physicalName(naming, "DeliveryStreamName");
    return named(name, arnOf("firehose", `deliverystream/${name}`));
  },
  "AWS::Glue::Database": (naming) => {
    const name = nestedName(naming, "DatabaseInput");
    return named(name, arnOf("glue", `database/${name}`));
  },
  "AWS::Glue::Table": (naming) => {
    const name = nestedName(naming, "TableInput");
    return named(name, arnOf("glue", `table/${String(naming.property("DatabaseName"))}/${name}`));
  },
  "AWS::SNS::Topic": (naming) => {
    const given = naming.property("TopicName");
    const fifo = String(naming.property("FifoTopic")) === "true";
    const name = typeof given === "string" ? given : `${naming.stackName}-${naming.logicalId}${fifo ? ".fifo" : ""}`;
    const arn = arnOf("sns", name);
    return { name, ref: arn, arn, attributes: { TopicArn: arn, TopicName: name } };
  },
  "AWS::SecretsManager::Secret": (naming) => {
    const name = physicalName(naming, "Name");
    const arn = arnOf("secretsmanager", `secret:${name}-local0`);
    return { name, ref: arn, arn, attributes: { Id: arn } };
  },
  "AWS::Events::EventBus": (naming) => {
    const name = physicalName(naming, "Name");
    return named(name, arnOf("events", `event-bus/${name}`), { Name: name });
  },
  "AWS::Events::Rule": (naming) => {
    const name = physicalName(naming, "Name").slice(0, 64);
    return named(name, arnOf("events", `rule/${name}`));
  },
  "AWS::Lambda::Function": (naming) => {
    const name = physicalName(naming, "FunctionName").slice(0, 64);
    return named(name, arnOf("lambda", `function:${name}`));
  },
  "AWS::Lambda::Version": (naming) => {
    const arn = `${functionArn(naming.property("FunctionName"))}:1`;
    return { name: "1", ref: arn, arn, attributes: { Version: "1", FunctionArn: arn } };
  },
  "AWS::Lambda::Alias": (naming) => {
    const name = String(naming.property("Name"));
    const arn = `${functionArn(naming.property("FunctionName"))}:${name}`;
    return { name, ref: arn, arn, attributes: { AliasArn: arn } };
  },
  "AWS::Lambda::EventSourceMapping": (naming) => {
    const id = `${naming.stackName}-${naming.logicalId}`;
    const arn = arnOf("lambda", `event-source-mapping:${id}`);
    return { name: id, ref: id, arn, attributes: { Id: id, EventSourceMappingArn: arn } };
  },
  "AWS::IAM::Role": (naming) => {
    const name = physicalName(naming, "RoleName");
    return named(name, `arn:${account.partition}:iam::${account.id}:role/${name}`);
  },
  "AWS::KMS::Key": (naming) => {
    const arn = arnOf("kms", `key/${naming.logicalId}`);
    return { name: naming.logicalId, ref: naming.logicalId, arn, attributes: { Arn: arn, KeyId: naming.logicalId } };
  },
  "AWS::Logs::LogGroup": (naming) => {
    const name = physicalName(naming, "LogGroupName");
    return named(name, arnOf("logs", `log-group:${name}:*`));
  },
};

export function identityOf(naming: Naming): Identity {
  return makers[naming.type]?.(naming) ?? otherIdentity(naming);
}

/** For types without a maker: enough for policies and names that nothing local acts on. */
function otherIdentity(naming: Naming): Identity {
  const name = `${naming.stackName}-${naming.logicalId}`;
  const service = naming.type.split("::")[1]?.toLowerCase() ?? "local";
  const arn = arnOf(service, name);
  return { name, ref: name, arn, attributes: { Arn: arn } };
}

function tableIdentity(naming: Naming): Identity {
  const name = physicalName(naming, "TableName");
  const arn = arnOf("dynamodb", `table/${name}`);
  return named(name, arn, { TableId: name, StreamArn: `${arn}/stream/2001-01-01T00:00:00.000` });
}

function nestedName(naming: Naming, property: string): string {
  const input = naming.property(property);
  const name = isRecord(input) ? input["Name"] : undefined;
  return typeof name === "string" ? name : `${naming.stackName}-${naming.logicalId}`.toLowerCase();
}

function functionArn(nameOrArn: unknown): string {
  const value = String(nameOrArn);
  return value.startsWith("arn:") ? value : arnOf("lambda", `function:${value}`);
}

/** The function's plain name from a name, an ARN, or either with a version or alias. */
export function functionNameOf(nameOrArn: string): string {
  const parts = nameOrArn.split(":");
  return (nameOrArn.startsWith("arn:") ? parts[6] : parts[0]) ?? nameOrArn;
}
