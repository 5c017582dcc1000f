import { Template } from "aws-cdk-lib/assertions";
import { describe, expect, test } from "vitest";
import { isLake, OUTPUT_ID, type LakeDeclaration } from "../../lib/connectors/firehose/declare.ts";
import { viewSql } from "../../lib/connectors/firehose/view.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { pipelines } from "../../infra/pipelines.ts";
import { appOf, ofType, plain, type Resource } from "./synthesized.ts";

interface TableInput {
  readonly Name: string;
  readonly TableType: string;
  readonly ViewOriginalText?: string;
  readonly StorageDescriptor: {
    readonly Location?: unknown;
    readonly Columns: readonly { readonly Name: string; readonly Type: string }[];
  };
}

interface Destination {
  readonly Prefix: string;
  readonly ErrorOutputPrefix: string;
  readonly BufferingHints: unknown;
  readonly CompressionFormat: string;
  readonly DataFormatConversionConfiguration: {
    readonly Enabled: boolean;
    readonly InputFormatConfiguration: unknown;
    readonly OutputFormatConfiguration: unknown;
    readonly SchemaConfiguration: Readonly<Record<string, unknown>>;
  };
}

process.env["CDK_VALIDATION"] = "false";
const { stacks } = appOf("prod");
const destinationOf = ({ Properties }: Resource) => Properties["ExtendedS3DestinationConfiguration"] as Destination;

/** What is declared by each pipeline, beside what was made of it. */
const deployed = pipelines.map(({ pipeline }, i) => {
  const template = Template.fromStack(stacks[i]!);
  return {
    pipeline: pipeline.name,
    template,
    lakes: planStages(pipeline).flatMap(({ sinks }) => sinks.filter(isLake)),
    streams: ofType(template, "AWS::KinesisFirehose::DeliveryStream"),
    tables: ofType(template, "AWS::Glue::Table").map(({ Properties }) => Properties["TableInput"] as TableInput),
  };
});

const everyLake = deployed.flatMap(({ pipeline, lakes, streams, tables }) =>
  lakes.map((lake) => ({ pipeline, name: lake.name, lake, streams, tables })),
);
const declared = (lake: LakeDeclaration) => [
  ...lake.columns.map(({ name, type }) => ({ Name: name, Type: type })),
  { Name: OUTPUT_ID, Type: "string" },
];
const columnsOf = (table: TableInput) => table.StorageDescriptor.Columns.map(({ Name, Type }) => ({ Name, Type }));

describe.each(everyLake)("$pipeline: the lake $name", ({ pipeline, name, lake, streams, tables }) => {
  const tableNamed = (wanted: string) => tables.find((table) => table.Name === wanted)!;
  const stream = streams.find((each) => destinationOf(each).Prefix.startsWith(`data/${name}/`))!;
  const destination = destinationOf(stream);

  test("X8: its table has the declared columns, and the output id", () => {
    expect(columnsOf(tableNamed(`${name}_raw`))).toEqual(declared(lake));
    expect(tableNamed(`${name}_raw`).TableType).toBe("EXTERNAL_TABLE");
  });

  test("its table is where the delivery stream writes, and errors are somewhere else", () => {
    const location = plain(tableNamed(`${name}_raw`).StorageDescriptor.Location);
    expect(location).toBe(`s3://{PipelineLake}/data/${name}/`);
    expect(destination.Prefix).toBe(`data/${name}/!{timestamp:yyyy/MM/dd/HH}/`);
    expect(destination.ErrorOutputPrefix).toBe(`errors/${name}/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/`);
  });

  test("rows become Parquet by its table, timestamps from epoch milliseconds", () => {
    const conversion = destination.DataFormatConversionConfiguration;
    expect(conversion.Enabled).toBe(true);
    expect(conversion.InputFormatConfiguration).toEqual({
      Deserializer: { HiveJsonSerDe: { TimestampFormats: ["millis"] } },
    });
    expect(conversion.OutputFormatConfiguration).toEqual({ Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } });
    expect(conversion.SchemaConfiguration["VersionId"]).toBe("LATEST");
    expect(plain(conversion.SchemaConfiguration["TableName"])).toMatch(/Table}$/);
    expect(destination.CompressionFormat).toBe("UNCOMPRESSED");
    expect(destination.BufferingHints).toEqual({ SizeInMBs: 128, IntervalInSeconds: 300 });
  });

  test("only the pipeline puts rows into it", () => {
    expect(stream.Properties["DeliveryStreamType"]).toBe("DirectPut");
  });

  test("its view has the same columns and the shipped SQL, wrapped as Athena wants it", () => {
    const view = tableNamed(name);
    expect(view.TableType).toBe("VIRTUAL_VIEW");
    expect(columnsOf(view)).toEqual(declared(lake));
    const [, base64] = /^\/\* Presto View: ([A-Za-z0-9+/=]+) \*\/$/.exec(view.ViewOriginalText!)!;
    const text = JSON.parse(Buffer.from(base64!, "base64").toString()) as Record<string, unknown>;
    expect(text).toMatchObject({
      originalSql: viewSql(lake),
      catalog: "awsdatacatalog",
      schema: `${pipeline.replace("-", "_")}_prod`,
    });
    const types: Readonly<Record<string, string>> = { string: "varchar" };
    expect(text["columns"]).toEqual(
      declared(lake).map(({ Name, Type }) => ({ name: Name, type: types[Type] ?? Type })),
    );
  });
});

describe.each(deployed)("$pipeline", ({ template, lakes, streams, tables }) => {
  test("has a delivery stream and two tables per declared lake, and no more", () => {
    expect(lakes.length).toBeGreaterThan(0);
    expect(streams).toHaveLength(lakes.length);
    expect(tables).toHaveLength(2 * lakes.length);
  });

  test.each([
    ["AWS::Kinesis::Stream", "Name"],
    ["AWS::KinesisFirehose::DeliveryStream", "DeliveryStreamName"],
    ["AWS::S3::Bucket", "BucketName"],
    ["AWS::SQS::Queue", "QueueName"],
    ["AWS::DynamoDB::Table", "TableName"],
    ["AWS::Lambda::Function", "FunctionName"],
  ])("has no %s with a fixed name, so that two deployments never meet", (type, name) => {
    expect(ofType(template, type).length).toBeGreaterThan(0);
    for (const { Properties } of ofType(template, type)) expect(Properties).not.toHaveProperty(name);
  });
});
