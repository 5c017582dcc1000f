import { Aws } from "aws-cdk-lib";
import { CfnTable, type CfnDatabase } from "aws-cdk-lib/aws-glue";
import type { Construct } from "constructs";
import { OUTPUT_ID, type LakeDeclaration, type LakeFormat } from "./declare.ts";
import { EVENT_DATE, type EventDates } from "./event-date.ts";
import { rawTable, viewColumns, viewText } from "./view.ts";

/** What the catalogue says of files of each format. */
const FORMAT: Readonly<
  Record<
    LakeFormat,
    {
      readonly parameters: Readonly<Record<string, string>>;
      readonly storage: Pick<CfnTable.StorageDescriptorProperty, "inputFormat" | "outputFormat" | "serdeInfo">;
    }
  >
> = {
  parquet: {
    parameters: { classification: "parquet", "parquet.compression": "SNAPPY" },
    storage: {
      inputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat",
      outputFormat: "org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat",
      serdeInfo: { serializationLibrary: "org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe" },
    },
  },
  orc: {
    parameters: { classification: "orc", "orc.compress": "SNAPPY" },
    storage: {
      inputFormat: "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
      outputFormat: "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
      serdeInfo: {
        serializationLibrary: "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
        // By name, as Parquet is: by default Athena takes ORC's columns in their order, which a new column changes.
        parameters: { "orc.column.index.access": "false" },
      },
    },
  },
};

/** The table of a lake's files, repeats and all. @param location where the files are, as a URL that ends with a slash */
export function filesTable(scope: Construct, lake: LakeDeclaration, database: CfnDatabase, location: string): CfnTable {
  const { name, eventDates } = lake;
  return new CfnTable(scope, "Table", {
    catalogId: Aws.ACCOUNT_ID,
    databaseName: database.ref,
    tableInput: {
      name: rawTable(name),
      description: `Rows of lake("${name}") as they were delivered, repeats included; query ${name}.`,
      tableType: "EXTERNAL_TABLE",
      parameters: {
        EXTERNAL: "TRUE",
        ...FORMAT[lake.format].parameters,
        ...(eventDates === undefined ? {} : projection(eventDates, location)),
      },
      // Text, as it is in the folders' names: such days are in the order of their text.
      ...(eventDates === undefined
        ? {}
        : {
            partitionKeys: [{ name: EVENT_DATE, type: "string", comment: `the day of ${eventDates.column}, in UTC` }],
          }),
      storageDescriptor: {
        columns: columnsOf(lake),
        location,
        ...FORMAT[lake.format].storage,
      },
    },
  });
}

/** Athena works out which folders there are: no crawler, and no entry in the catalogue for each day. */
const projection = ({ from }: EventDates, location: string): Readonly<Record<string, string>> => ({
  "projection.enabled": "true",
  [`projection.${EVENT_DATE}.type`]: "date",
  [`projection.${EVENT_DATE}.format`]: "yyyy-MM-dd",
  // A day more than today: clocks differ. What is still further ahead shows when its day has come.
  [`projection.${EVENT_DATE}.range`]: `${from},NOW+1DAYS`,
  [`projection.${EVENT_DATE}.interval`]: "1",
  [`projection.${EVENT_DATE}.interval.unit`]: "DAYS",
  "storage.location.template": `${location}${EVENT_DATE}=\${${EVENT_DATE}}/`,
});

/** The view that hides repeats. */
export function viewTable(
  scope: Construct,
  lake: LakeDeclaration,
  { database, databaseName }: { readonly database: CfnDatabase; readonly databaseName: string },
): CfnTable {
  const folders = viewColumns({ ...lake, columns: [] }).filter(({ name }) => name === EVENT_DATE);
  return new CfnTable(scope, "View", {
    catalogId: Aws.ACCOUNT_ID,
    databaseName: database.ref,
    tableInput: {
      name: lake.name,
      description: `Rows of lake("${lake.name}"), each once.`,
      tableType: "VIRTUAL_VIEW",
      parameters: { presto_view: "true", comment: "Presto View" },
      viewOriginalText: viewText(databaseName, lake),
      viewExpandedText: "/* Presto View */",
      storageDescriptor: { columns: [...columnsOf(lake), ...folders], serdeInfo: {} },
    },
  });
}

/** The columns of a lake, the output id last. */
export const columnsOf = (lake: LakeDeclaration) => [
  ...lake.columns.map(({ name, type, nullable }) => ({
    name,
    type,
    ...(nullable ? { comment: "may be missing" } : {}),
  })),
  { name: OUTPUT_ID, type: "string", comment: "the same whenever the row is delivered again" },
];
