import { Aws, Stack, type RemovalPolicy } from "aws-cdk-lib";
import { CfnTable, type CfnDatabase } from "aws-cdk-lib/aws-glue";
import { PolicyStatement } from "aws-cdk-lib/aws-iam";
import type { CfnDeliveryStream } from "aws-cdk-lib/aws-kinesisfirehose";
import type { IBucket } from "aws-cdk-lib/aws-s3";
import type { Construct } from "constructs";
import { columnsOf } from "./catalogue.ts";
import { OUTPUT_ID, type LakeDeclaration } from "./declare.ts";

/**
 * A lake's table of Iceberg. Glue writes its first metadata, and from then on the catalogue's entry points to what Firehose
 * wrote last.
 *
 * Nothing of it may be changed by CloudFormation later: Glue's UpdateTable puts what the template says in place of all that
 * is there, the pointer too. So it says nothing that another version of this library would say otherwise.
 */
export function icebergTable(
  scope: Construct,
  lake: LakeDeclaration,
  {
    database,
    location,
    removalPolicy,
  }: {
    readonly database: CfnDatabase;
    /** Without a slash at its end: Iceberg puts one behind it. */ readonly location: string;
    readonly removalPolicy: RemovalPolicy;
  },
): CfnTable {
  const table = new CfnTable(scope, "IcebergTable", {
    catalogId: Aws.ACCOUNT_ID,
    databaseName: database.ref,
    // Firehose writes version 2 alone.
    openTableFormatInput: { icebergInput: { metadataOperation: "CREATE", version: "2" } },
    tableInput: {
      name: lake.name,
      tableType: "EXTERNAL_TABLE",
      parameters: { format: "parquet" },
      storageDescriptor: {
        columns: columnsOf(lake).map(({ name, type }) => ({ name, type })),
        location,
      },
    },
  });
  // The entry is more than a definition: without it nothing knows which of the files are the table.
  table.applyRemovalPolicy(removalPolicy);
  return table;
}

/** What of a destination an Iceberg table decides. */
export type IcebergDestination = Pick<
  CfnDeliveryStream.IcebergDestinationConfigurationProperty,
  | "appendOnly"
  | "catalogConfiguration"
  | "destinationTableConfigurationList"
  | "processingConfiguration"
  | "retryOptions"
  | "s3BackupMode"
>;

/**
 * Every row is an update of the row that has its output id, which is inserted where there is none: so one that is delivered
 * again takes its own place. Without an operation unique keys do nothing, and each delivery would be a row.
 */
export const icebergDestination = (scope: Construct, lake: LakeDeclaration, database: string): IcebergDestination => ({
  appendOnly: false,
  catalogConfiguration: { catalogArn: Stack.of(scope).formatArn({ service: "glue", resource: "catalog" }) },
  destinationTableConfigurationList: [
    { destinationDatabaseName: database, destinationTableName: lake.name, uniqueKeys: [OUTPUT_ID] },
  ],
  processingConfiguration: {
    enabled: true,
    processors: [
      {
        type: "MetadataExtraction",
        parameters: [
          {
            parameterName: "MetadataExtractionQuery",
            parameterValue:
              `{destinationDatabaseName:${JSON.stringify(database)},` +
              `destinationTableName:${JSON.stringify(lake.name)},operation:"update"}`,
          },
          { parameterName: "JsonParsingEngine", parameterValue: "JQ-1.6" },
        ],
      },
    ],
  },
  // As long as may be (AWS: Firehose guide): what is not committed by then is in the table only when someone puts it again.
  retryOptions: { durationInSeconds: 7_200 },
  s3BackupMode: "FailedDataOnly",
});

/** What Firehose does with the table: it reads it, writes files, and has the catalogue point to them. */
export const icebergAccess = (
  scope: Construct,
  lake: LakeDeclaration,
  {
    bucket,
    databaseName,
    prefix,
  }: { readonly bucket: IBucket; readonly databaseName: string; readonly prefix: string },
): readonly PolicyStatement[] => {
  const glue = (resource: string) => Stack.of(scope).formatArn({ service: "glue", resource });
  return [
    new PolicyStatement({
      sid: "CommitFiles",
      actions: ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
      resources: [glue("catalog"), glue(`database/${databaseName}`), glue(`table/${databaseName}/${lake.name}`)],
    }),
    new PolicyStatement({
      sid: "DeleteFiles",
      actions: ["s3:DeleteObject"],
      resources: [bucket.arnForObjects(`${prefix}*`)],
    }),
  ];
};
