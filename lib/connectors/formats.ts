import { definitionError } from "../errors.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordFormat } from "../runtime/record.ts";
import { kafkaFormat } from "./kafka/decode.ts";
import { KAFKA } from "./kafka/names.ts";
import { DYNAMODB_STREAM } from "./dynamodb-stream/declare.ts";
import { KINESIS } from "./kinesis/declare.ts";
import { s3Format } from "./s3/decode.ts";
import { S3 } from "./s3/declare.ts";
import { SQS } from "./sqs/declare-source.ts";
import { unorderedFormat } from "./decode-unordered.ts";
import { kinesisRecordsFormat } from "./kinesis/decode-records.ts";
import { kinesisDecoder, kinesisFormat } from "./kinesis/decode.ts";
import { kafkaRecordsFormat } from "./kafka/decode-records.ts";
import type { SchemaRegistry } from "./schema-registry/registry.ts";

const FORMATS: Readonly<Record<string, (source: SourceDeclaration, schemas?: SchemaRegistry) => RecordFormat>> = {
  [DYNAMODB_STREAM]: (source) => ({ decode: kinesisDecoder(source) }), // its records are made JSON, and have no key
  [KINESIS]: (source) => (isRaw(source) ? kinesisRecordsFormat(source as never) : kinesisFormat(source)),
  [KAFKA]: (source, schemas) => (isRaw(source) ? kafkaRecordsFormat(source as never) : kafkaFormat(source, schemas)),
  [S3]: s3Format,
  [SQS]: unorderedFormat,
};

/** Whether a source takes its records as they are. */
const isRaw = (source: SourceDeclaration): boolean => "raw" in source;

/**
 * How a source's records become values.
 *
 * @param schemas of a source that has a registry of schemas
 * @throws definition error `source/connector`
 */
export function formatOf(source: SourceDeclaration, schemas?: SchemaRegistry): RecordFormat {
  const make = FORMATS[source.connector];
  if (make !== undefined) return make(source, schemas);
  throw definitionError({
    code: "source/connector",
    message: `The source "${source.name}" is of "${source.connector}", whose records nothing decodes.`,
    advice: `Sources are made by ${Object.keys(FORMATS).join(", ")}.`,
  });
}
