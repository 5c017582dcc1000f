import { Aws, type RemovalPolicy, Stack } from "aws-cdk-lib";
import type { CfnDatabase } from "aws-cdk-lib/aws-glue";
import { PolicyDocument, PolicyStatement, Role, ServicePrincipal } from "aws-cdk-lib/aws-iam";
import { CfnDeliveryStream, type CfnDeliveryStreamProps } from "aws-cdk-lib/aws-kinesisfirehose";
import { LogGroup, LogStream, type RetentionDays } from "aws-cdk-lib/aws-logs";
import type { IKey } from "aws-cdk-lib/aws-kms";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import { Construct } from "constructs";
import { secondsWithin, wholeWithin } from "../limits.ts";
import type { ProvisionedSink } from "../provisioned.ts";
import type { Duration } from "../../time/duration.ts";
import { filesTable, viewTable } from "./catalogue.ts";
import type { LakeDeclaration, LakeFormat } from "./declare.ts";
import { EVENT_DATE } from "./event-date.ts";
import { icebergAccess, icebergDestination, icebergTable } from "./provision-iceberg.ts";
import { rawTable, tableOf } from "./view.ts";

/** How rows become files. */
export interface LakeSettings {
  /** Megabytes that make a file, 64 to 128. @default 128 */
  readonly bufferMegabytes?: number;
  /** How long rows may wait to become a file, 60 to 900 seconds; whole seconds. @default 300 seconds */
  readonly bufferInterval?: Duration;
  /** Whether small files are merged, and how: docs/lake.md. It bundles hyparquet and hyparquet-writer. @default files stay as Firehose wrote them */
  readonly compaction?: CompactionSettings;
}

/** How a lake's small files are merged. */
export interface CompactionSettings {
  /** How often, 1 hour to 7 days; whole hours. @default 24 hours */
  readonly every?: Duration;
  /** How long after its end (in UTC) a day is left alone, 0 to 30 days; whole seconds. @default 6 hours */
  readonly closedAfter?: Duration;
  /** Megabytes of a merged file, more or less, 16 to 256; what is half as large is merged no more. @default 128 */
  readonly fileMegabytes?: number;
}

/** {@link CompactionSettings}, checked and complete. */
export interface CheckedCompaction {
  readonly everySeconds: number;
  readonly closedAfterSeconds: number;
  readonly fileMegabytes: number;
}

/** {@link LakeSettings}, checked and complete. */
export interface CheckedLakes {
  readonly bufferMegabytes: number;
  readonly bufferSeconds: number;
  readonly compaction: CheckedCompaction | undefined;
}

/** @throws definition errors naming the limit and the value given */
export function checkLakes(what: string, settings: LakeSettings): CheckedLakes {
  return {
    bufferMegabytes: wholeWithin(`${what}.bufferMegabytes`, settings.bufferMegabytes ?? 128, {
      least: 64,
      most: 128,
      unit: "MB",
      why: "Firehose's limits where it converts to Parquet.",
    }),
    bufferSeconds: secondsWithin(`${what}.bufferInterval`, settings.bufferInterval ?? { seconds: 300 }, {
      least: 60,
      most: 900,
      why: "Below a minute Firehose would write many small files, above 15 minutes it cannot wait.",
    }),
    compaction: settings.compaction && checkCompaction(`${what}.compaction`, settings.compaction),
  };
}

function checkCompaction(what: string, settings: CompactionSettings): CheckedCompaction {
  const seconds = secondsWithin(`${what}.every`, settings.every ?? { hours: 24 }, {
    least: 3_600,
    most: 7 * 86_400,
    why: "A merged file waits for hours before what it replaces is deleted: more often there is little to do.",
  });
  wholeWithin(`${what}.every`, seconds / 3_600, { least: 1, most: 168, unit: "hours", why: "EventBridge's rates." });
  return {
    everySeconds: seconds,
    closedAfterSeconds: secondsWithin(`${what}.closedAfter`, settings.closedAfter ?? { hours: 6 }, {
      least: 0,
      most: 30 * 86_400,
      why: "What comes after it is merged by the next run.",
    }),
    fileMegabytes: wholeWithin(`${what}.fileMegabytes`, settings.fileMegabytes ?? 128, {
      least: 16,
      most: 256,
      unit: "MB",
      why: "A merged file is made in the function's memory.",
    }),
  };
}

export interface ProvisionedLake extends ProvisionedSink {
  readonly columns: LakeDeclaration["columns"];
  readonly eventDates: LakeDeclaration["eventDates"];
  readonly table: LakeDeclaration["table"];
  readonly deliveryStream: CfnDeliveryStream;
  /** Keys of the lake's files begin with it. */
  readonly prefix: string;
  /** Keys of what could not be converted begin with it. */
  readonly errorPrefix: string;
  /** What the delivery stream acts as. */
  readonly role: Role;
}

export interface LakePlace {
  readonly database: CfnDatabase;
  readonly databaseName: string;
  readonly bucket: IBucket;
  /** What all keys begin with: nothing, or what tells this pipeline from others in the bucket. */
  readonly root: string;
  /** What rows and files are encrypted by; none for AWS's keys. */
  readonly encryptionKey: IKey | undefined;
  readonly lakes: CheckedLakes;
  readonly logRetention: RetentionDays;
  readonly removalPolicy: RemovalPolicy;
}

const SERIALIZER: Readonly<Record<LakeFormat, CfnDeliveryStream.SerializerProperty>> = {
  parquet: { parquetSerDe: { compression: "SNAPPY" } },
  orc: { orcSerDe: { compression: "SNAPPY" } },
};

const DATE_FOLDER = `${EVENT_DATE}=!{partitionKeyFromQuery:${EVENT_DATE}}/`;

/** Rows are taken out of their records, and each says its folder. */
const BY_DATE: Pick<
  CfnDeliveryStream.ExtendedS3DestinationConfigurationProperty,
  "dynamicPartitioningConfiguration" | "processingConfiguration"
> = {
  dynamicPartitioningConfiguration: { enabled: true },
  processingConfiguration: {
    enabled: true,
    processors: [
      { type: "RecordDeAggregation", parameters: [{ parameterName: "SubRecordType", parameterValue: "JSON" }] },
      {
        type: "MetadataExtraction",
        parameters: [
          { parameterName: "MetadataExtractionQuery", parameterValue: `{${EVENT_DATE}:.${EVENT_DATE}}` },
          { parameterName: "JsonParsingEngine", parameterValue: "JQ-1.6" },
        ],
      },
    ],
  },
};

/** A lake: delivery stream and table, and where the table has repeats the view that hides them. */
export function provisionLake(scope: Construct, lake: LakeDeclaration, place: LakePlace): ProvisionedLake {
  const own = new Construct(scope, lake.name);
  const { root } = place;
  const prefix = `${root}data/${lake.name}/`;
  const errorPrefix = `${root}errors/${lake.name}/`;
  const logGroup = new LogGroup(own, "Logs", { retention: place.logRetention, removalPolicy: place.removalPolicy });
  const logStream = new LogStream(own, "LogStream", {
    logGroup,
    logStreamName: "delivery",
    removalPolicy: place.removalPolicy,
  });
  const role = deliveryRole(own, lake, place, [prefix, errorPrefix], logGroup);
  const around = { prefix, errorPrefix, role, logGroup: logGroup.logGroupName, logStream: logStream.logStreamName };
  const deliver = lake.table === "iceberg" ? deliverToIceberg : deliverFiles;
  const { name, columns, eventDates, table } = lake;
  const deliveryStream = deliver(own, lake, place, around);
  const sink = asSink(lake, deliveryStream, { prefix, errorPrefix });
  return { name, columns, eventDates, table, deliveryStream, prefix, errorPrefix, role, ...sink };
}

/** What a delivery stream needs beside its lake. */
interface Around {
  readonly prefix: string;
  readonly errorPrefix: string;
  readonly role: Role;
  readonly logGroup: string;
  readonly logStream: string;
}

const streamOf = ({ encryptionKey }: LakePlace): CfnDeliveryStreamProps => ({
  deliveryStreamType: "DirectPut",
  deliveryStreamEncryptionConfigurationInput: encryptionKey
    ? { keyType: "CUSTOMER_MANAGED_CMK", keyArn: encryptionKey.keyArn }
    : { keyType: "AWS_OWNED_CMK" },
});

/** What every destination has. */
const destinationOf = ({ lakes }: LakePlace, { role, logGroup, logStream }: Around) => ({
  roleArn: role.roleArn,
  bufferingHints: { sizeInMBs: lakes.bufferMegabytes, intervalInSeconds: lakes.bufferSeconds },
  cloudWatchLoggingOptions: { enabled: true, logGroupName: logGroup, logStreamName: logStream },
});

const errorsBelow = ({ errorPrefix }: Around): string =>
  `${errorPrefix}!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/`;

/** Files that Firehose converts rows to, the table over them, and the view. */
function deliverFiles(scope: Construct, lake: LakeDeclaration, place: LakePlace, around: Around): CfnDeliveryStream {
  const { bucket, database } = place;
  const { eventDates } = lake;
  const { prefix, role } = around;
  const table = filesTable(scope, lake, database, bucket.s3UrlForObject(prefix));
  viewTable(scope, lake, place).addResourceDependency(table);
  // Firehose begins to look at rows, or ceases to, in a new delivery stream only: so they have two names.
  return new CfnDeliveryStream(scope, eventDates === undefined ? "Delivery" : "DeliveryByDate", {
    ...streamOf(place),
    extendedS3DestinationConfiguration: {
      ...destinationOf(place, around),
      bucketArn: bucket.bucketArn,
      // Files are compressed inside, by their format.
      compressionFormat: "UNCOMPRESSED",
      prefix: `${prefix}${eventDates === undefined ? "" : DATE_FOLDER}!{timestamp:yyyy/MM/dd/HH}/`,
      errorOutputPrefix: errorsBelow(around),
      ...(eventDates === undefined ? {} : BY_DATE),
      dataFormatConversionConfiguration: {
        enabled: true,
        // Rows carry timestamps as numbers of epoch milliseconds; without `millis` the deserializer wants text.
        inputFormatConfiguration: { deserializer: { hiveJsonSerDe: { timestampFormats: ["millis"] } } },
        outputFormatConfiguration: { serializer: SERIALIZER[lake.format] },
        schemaConfiguration: {
          catalogId: Aws.ACCOUNT_ID,
          region: Aws.REGION,
          databaseName: database.ref,
          tableName: table.ref,
          roleArn: role.roleArn,
          versionId: "LATEST",
        },
      },
    },
  });
}

/** A table of Iceberg, which rows are merged into. */
function deliverToIceberg(
  scope: Construct,
  lake: LakeDeclaration,
  place: LakePlace,
  around: Around,
): CfnDeliveryStream {
  const { bucket, database, databaseName, removalPolicy } = place;
  const location = bucket.s3UrlForObject(around.prefix.slice(0, -1));
  const table = icebergTable(scope, lake, { database, location, removalPolicy });
  const stream = new CfnDeliveryStream(scope, "DeliveryToIceberg", {
    ...streamOf(place),
    icebergDestinationConfiguration: {
      ...destinationOf(place, around),
      ...icebergDestination(scope, lake, databaseName),
      // What could not be written.
      s3Configuration: {
        bucketArn: bucket.bucketArn,
        roleArn: around.role.roleArn,
        errorOutputPrefix: errorsBelow(around),
      },
    },
  });
  // Firehose looks for the table and its key when the stream is made.
  stream.addResourceDependency(table);
  return stream;
}

/** What the delivery stream may do. Policies are in the role, so that it never begins without them. */
function deliveryRole(
  scope: Construct,
  lake: LakeDeclaration,
  place: LakePlace,
  prefixes: readonly string[],
  logGroup: LogGroup,
): Role {
  const { bucket, databaseName } = place;
  const glue = (resource: string) => Stack.of(scope).formatArn({ service: "glue", resource });
  return new Role(scope, "DeliveryRole", {
    description: `Delivers lake("${lake.name}") to S3`,
    // Firehose gives the account as external id: no other account's stream can use this role.
    assumedBy: new ServicePrincipal("firehose.amazonaws.com", {
      conditions: { StringEquals: { "sts:ExternalId": Aws.ACCOUNT_ID } },
    }),
    inlinePolicies: {
      Delivery: new PolicyDocument({
        statements: [
          new PolicyStatement({
            sid: "WriteFiles",
            actions: ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
            resources: prefixes.map((prefix) => bucket.arnForObjects(`${prefix}*`)),
          }),
          new PolicyStatement({
            sid: "FindBucket",
            actions: ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
            resources: [bucket.bucketArn],
          }),
          ...(lake.table === "iceberg"
            ? icebergAccess(scope, lake, { bucket, databaseName, prefix: prefixes[0]! })
            : [
                new PolicyStatement({
                  sid: "ReadSchema",
                  actions: ["glue:GetTable", "glue:GetTableVersion", "glue:GetTableVersions"],
                  resources: [
                    glue("catalog"),
                    glue(`database/${databaseName}`),
                    glue(`table/${databaseName}/${rawTable(lake.name)}`),
                  ],
                }),
              ]),
          new PolicyStatement({ sid: "WriteLogs", actions: ["logs:PutLogEvents"], resources: [logGroup.logGroupArn] }),
          ...useKeys([...keysOf(place)]),
        ],
      }),
    },
  });
}

const keysOf = ({ encryptionKey, bucket }: LakePlace): ReadonlySet<string> =>
  new Set([encryptionKey, bucket.encryptionKey].flatMap((key) => key?.keyArn ?? []));

const useKeys = (resources: string[]): readonly PolicyStatement[] =>
  resources.length === 0
    ? []
    : [new PolicyStatement({ sid: "UseKeys", actions: ["kms:Decrypt", "kms:GenerateDataKey"], resources })];

/** The lake as its stage's function has it. */
function asSink(
  lake: LakeDeclaration,
  { ref, attrArn }: CfnDeliveryStream,
  { prefix, errorPrefix }: Pick<ProvisionedLake, "prefix" | "errorPrefix">,
): Omit<ProvisionedSink, "name"> {
  const { name } = lake;
  const isIceberg = lake.table === "iceberg";
  const rows = isIceberg ? "each row once" : "repeats included";
  return {
    address: { deliveryStream: ref },
    grants: [{ sid: "DeliverRows", actions: ["firehose:PutRecordBatch"], resources: [attrArn] }],
    keyArns: [],
    exceptions: [],
    announced: [
      { name: "Prefix", value: prefix, description: `Keys of the Parquet files of ${name} in the lake bucket` },
      { name: "ErrorPrefix", value: errorPrefix, description: `Keys of what could not be written to ${name}` },
      { name: "Table", value: tableOf(lake), description: `Table of the files of ${name}, ${rows}` },
      ...(isIceberg ? [] : [{ name: "View", value: name, description: `View of ${name}, each row once` }]),
      { name: "DeliveryStream", value: ref, description: `Delivery stream of ${name}` },
    ],
  };
}
