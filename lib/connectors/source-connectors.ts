import { systemicError } from "../errors.ts";
import { KAFKA } from "./kafka/names.ts";
import { DYNAMODB_STREAM } from "./dynamodb-stream/declare.ts";
import { KINESIS } from "./kinesis/declare.ts";
import { S3 } from "./s3/declare.ts";
import { SQS } from "./sqs/declare-source.ts";
import type { UnorderedConnector } from "./unordered-connector.ts";
import type { SourceConnector } from "./source-connector.ts";

/** Loaded when a stage needs it: a function reads its own source's code alone. */
const CONNECTORS: Readonly<Record<string, () => Promise<SourceConnector>>> = {
  [DYNAMODB_STREAM]: async () => (await import("./dynamodb-stream/source.ts")).dynamoStreamSource(),
  [KINESIS]: async () => (await import("./kinesis/source.ts")).kinesisSource,
  [KAFKA]: async () => (await import("./kafka/source.ts")).kafkaSource,
};

/** Sources whose records have no order. */
const UNORDERED: Readonly<Record<string, () => Promise<UnorderedConnector>>> = {
  [S3]: async () => (await import("./s3/source.ts")).s3Source,
  [SQS]: async () => (await import("./sqs/source.ts")).sqsSource,
};

/** The face of a source without order; undefined for one that has an order. */
export const unorderedConnector = (name: string): Promise<UnorderedConnector> | undefined => UNORDERED[name]?.();

/** @throws systemic error `bindings/connector` */
export function sourceConnector(name: string): Promise<SourceConnector> {
  const load = CONNECTORS[name];
  if (load !== undefined) return load();
  throw systemicError({
    code: "bindings/connector",
    message: `The function is bound to a source of "${name}", which this build does not know.`,
    advice: "Deploy pipeline and infrastructure together.",
  });
}
