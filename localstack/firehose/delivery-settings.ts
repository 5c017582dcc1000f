import { LocalStackError } from "../errors.ts";
import { isRecord } from "../template/template-file.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { planColumn, type Column, type SerDe } from "./columns.ts";
import type { ConversionSettings, ParquetCompression } from "./format-conversion.ts";
import { icebergSettings, type IcebergSettings } from "./iceberg/iceberg-settings.ts";
import { checkPrefixes, type Prefixes } from "./object-key.ts";
import { partitionQuery, type PartitionQuery } from "./row-partitions.ts";
import { propertyText } from "../template/property-text.ts";

export interface DeliverySettings {
  readonly name: string;
  readonly arn: string;
  readonly bucket: string;
  readonly prefixes: Prefixes;
  readonly extension: string;
  readonly bufferBytes: number;
  readonly bufferMillis: number;
  readonly gzip: boolean;
  readonly delimiter: boolean;
  /** Rows are taken out of their records and buffered by what the query finds in them; none for no partitions. */
  readonly partitioning: PartitionQuery | undefined;
  /** Rows are merged into a table; none where objects are written. */
  readonly iceberg: IcebergSettings | undefined;
  readonly conversion:
    | (ConversionSettings & {
        readonly database: string;
        readonly table: string;
        /** Whether AWS would write ORC, which nothing here can. */ readonly standsForOrc: boolean;
      })
    | undefined;
}

const megabyte = 1024 * 1024;

/** Firehose refuses smaller buffers when it converts. */
const leastConversionMegabytes = 64;

/** A delivery stream as its template sets it; throws for what AWS would refuse or the local stack cannot do. */
export function deliverySettings(resource: ResolvedResource, all: readonly ResolvedResource[]): DeliverySettings {
  const { logicalId, properties } = resource;
  const refuse = (why: string) => new LocalStackError("InvalidArgumentException", `${logicalId}: ${why}`);
  const type = properties["DeliveryStreamType"];
  if (type !== undefined && type !== "DirectPut")
    throw refuse(`the local stack runs DirectPut delivery streams, not ${propertyText(type)}`);
  const iceberg = record(properties["IcebergDestinationConfiguration"]);
  if (iceberg !== undefined) return icebergDelivery(resource, iceberg, all, refuse);
  const target =
    record(properties["ExtendedS3DestinationConfiguration"]) ?? record(properties["S3DestinationConfiguration"]);
  if (target === undefined) throw refuse("the local stack delivers to S3 and to Iceberg only");
  const partitioned = record(target["DynamicPartitioningConfiguration"])?.["Enabled"] === true;
  const processing = processingSettings(record(target["ProcessingConfiguration"]), partitioned, refuse);
  const conversion = conversionSettings(record(target["DataFormatConversionConfiguration"]), all, refuse);
  const hints = record(target["BufferingHints"]);
  const megabytes = Number(hints?.["SizeInMBs"] ?? (conversion === undefined ? 5 : 128));
  if (conversion !== undefined && megabytes < leastConversionMegabytes) {
    throw refuse(
      `BufferingHints.SizeInMBs must be at least ${leastConversionMegabytes} with format conversion, not ${megabytes}`,
    );
  }
  const compression = propertyText(target["CompressionFormat"] ?? "UNCOMPRESSED");
  if (compression !== "UNCOMPRESSED" && (compression !== "GZIP" || conversion !== undefined)) {
    throw refuse(
      `CompressionFormat ${compression} ${conversion === undefined ? "is not run" : "cannot be set with format conversion"}`,
    );
  }
  const errorPrefix = target["ErrorOutputPrefix"];
  const prefixes = {
    prefix: propertyText(target["Prefix"] ?? ""),
    errorPrefix: typeof errorPrefix === "string" ? errorPrefix : undefined,
  };
  checkPrefixes(logicalId, prefixes, [...(processing.partitioning?.keys() ?? [])]);
  const extension = target["FileExtension"];
  return {
    name: resource.name,
    arn: resource.arn ?? resource.name,
    bucket: String(target["BucketARN"]).split(":::")[1] ?? "",
    prefixes,
    extension:
      typeof extension === "string"
        ? extension
        : conversion === undefined
          ? compression === "GZIP"
            ? ".gz"
            : ""
          : ".parquet",
    bufferBytes: megabytes * megabyte,
    bufferMillis: Number(hints?.["IntervalInSeconds"] ?? 300) * 1000,
    gzip: compression === "GZIP",
    ...processing,
    iceberg: undefined,
    conversion,
  };
}

/** Its S3 configuration is for what could not be written. */
function icebergDelivery(
  { logicalId, name, arn = name }: ResolvedResource,
  destination: Record<string, unknown>,
  all: readonly ResolvedResource[],
  refuse: Refuse,
): DeliverySettings {
  const failed = record(destination["S3Configuration"]);
  const hints = record(destination["BufferingHints"]) ?? record(failed?.["BufferingHints"]);
  const megabytes = Number(hints?.["SizeInMBs"] ?? 5);
  if (megabytes < 1 || megabytes > 128)
    throw refuse(`BufferingHints.SizeInMBs must be from 1 to 128, not ${megabytes}`);
  const errorPrefix = failed?.["ErrorOutputPrefix"];
  const prefixes = { prefix: "", errorPrefix: typeof errorPrefix === "string" ? errorPrefix : undefined };
  checkPrefixes(logicalId, prefixes);
  return {
    name,
    arn,
    bucket: String(failed?.["BucketARN"]).split(":::")[1] ?? "",
    prefixes,
    extension: "",
    bufferBytes: megabytes * megabyte,
    bufferMillis: Number(hints?.["IntervalInSeconds"] ?? 300) * 1000,
    gzip: false,
    delimiter: false,
    partitioning: undefined,
    iceberg: icebergSettings(destination, all, refuse),
    conversion: undefined,
  };
}

type Refuse = (why: string) => LocalStackError;

function conversionSettings(
  configuration: Record<string, unknown> | undefined,
  all: readonly ResolvedResource[],
  refuse: Refuse,
): DeliverySettings["conversion"] {
  if (configuration === undefined || configuration["Enabled"] === false) return undefined;
  const serializer = record(record(configuration["OutputFormatConfiguration"])?.["Serializer"]);
  const parquet = record(serializer?.["ParquetSerDe"]) ?? (record(serializer?.["OrcSerDe"]) && {});
  if (parquet === undefined) throw refuse("its serializer is neither ParquetSerDe nor OrcSerDe");
  const schema = record(configuration["SchemaConfiguration"]);
  const database = String(schema?.["DatabaseName"]);
  const table = String(schema?.["TableName"]);
  const serDe = serDeOf(record(record(configuration["InputFormatConfiguration"])?.["Deserializer"]), refuse);
  const columns = columnsOf(all, database, table);
  if (columns === undefined) throw refuse(`its schema is ${database}.${table}, which no given template defines`);
  for (const column of columns) {
    if (planColumn(column, serDe) === undefined)
      throw refuse(`the column ${column.name} has the type ${column.type}, which the local stack does not write`);
  }
  const standsForOrc = record(serializer?.["OrcSerDe"]) !== undefined;
  return { columns, serDe, compression: compressionOf(parquet["Compression"], refuse), database, table, standsForOrc };
}

function compressionOf(value: unknown, refuse: Refuse): ParquetCompression {
  const compression = value ?? "SNAPPY";
  if (compression === "UNCOMPRESSED" || compression === "SNAPPY" || compression === "GZIP") return compression;
  throw refuse(`Parquet is written UNCOMPRESSED, SNAPPY or GZIP by Firehose, not ${propertyText(compression)}`);
}

function serDeOf(deserializer: Record<string, unknown> | undefined, refuse: Refuse): SerDe {
  const hive = record(deserializer?.["HiveJsonSerDe"]);
  if (hive !== undefined) {
    const formats = hive["TimestampFormats"];
    return { kind: "hive", timestampFormats: Array.isArray(formats) ? formats.map(String) : [] };
  }
  const openX = record(deserializer?.["OpenXJsonSerDe"]);
  if (openX === undefined) throw refuse("its deserializer is neither HiveJsonSerDe nor OpenXJsonSerDe");
  const keys = record(openX["ColumnToJsonKeyMappings"]) ?? {};
  return {
    kind: "openx",
    caseInsensitive: openX["CaseInsensitive"] !== false,
    jsonKeys: Object.fromEntries(Object.entries(keys).map(([column, key]) => [column, String(key)])),
  };
}

/** The Glue table's columns in order; its partition keys are not in the files. */
function columnsOf(all: readonly ResolvedResource[], database: string, table: string): readonly Column[] | undefined {
  for (const { type, properties } of all) {
    if (type !== "AWS::Glue::Table" || properties["DatabaseName"] !== database) continue;
    const input = record(properties["TableInput"]);
    const columns = record(input?.["StorageDescriptor"])?.["Columns"];
    if (input?.["Name"] !== table || !Array.isArray(columns)) continue;
    return columns.map((column: unknown) => ({
      name: String(record(column)?.["Name"]),
      type: String(record(column)?.["Type"]),
    }));
  }
  return undefined;
}

function processingSettings(
  processing: Record<string, unknown> | undefined,
  partitioned: boolean,
  refuse: Refuse,
): Pick<DeliverySettings, "delimiter" | "partitioning"> {
  const all = processing?.["Enabled"] === false ? undefined : processing?.["Processors"];
  const processors = new Map<string, Readonly<Record<string, string>>>();
  for (const processor of Array.isArray(all) ? all.map(record) : []) {
    const parameters = Array.isArray(processor?.["Parameters"]) ? processor["Parameters"].map(record) : [];
    const values = parameters.map((one) => [String(one?.["ParameterName"]), String(one?.["ParameterValue"])]);
    processors.set(String(processor?.["Type"]), Object.fromEntries(values) as Record<string, string>);
  }
  const known = ["AppendDelimiterToRecord", ...(partitioned ? ["RecordDeAggregation", "MetadataExtraction"] : [])];
  const unknown = [...processors.keys()].find((type) => !known.includes(type));
  if (unknown !== undefined) throw refuse(`the processor ${unknown} is not run`);
  const delimiter = processors.has("AppendDelimiterToRecord");
  if (!partitioned) return { delimiter, partitioning: undefined };
  if (processors.get("RecordDeAggregation")?.["SubRecordType"] !== "JSON")
    throw refuse("the local stack partitions records that are taken apart as JSON");
  const text = processors.get("MetadataExtraction")?.["MetadataExtractionQuery"] ?? "";
  const partitioning = partitionQuery(text);
  if (partitioning === undefined) throw refuse(`the query ${text} is not run: only fields are, as {a:.a}`);
  return { delimiter, partitioning };
}

function record(value: unknown): Record<string, unknown> | undefined {
  return isRecord(value) ? value : undefined;
}
