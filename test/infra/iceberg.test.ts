import { readFileSync } from "node:fs";
import { join } from "node:path";
import { App, Stack } from "aws-cdk-lib";
import { Code } from "aws-cdk-lib/aws-lambda";
import { Key } from "aws-cdk-lib/aws-kms";
import { AwsSolutionsChecks } from "cdk-nag";
import { bigint, day, double, kinesis, lake, nullable, pipeline, text, timestamp, type LakeOptions } from "millrace";
import { MillracePipeline, type MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ofType, plain, provisioned } from "./synthesized.ts";
import { temporaryDirectory } from "../support/temporary-directory.ts";

const columns = { page: text, at: timestamp, clicks: bigint, share: nullable(double) };
const totals = lake("totals", columns, { table: "iceberg" });
const source = kinesis("clicks", {
  schema: z.object({ page: z.string(), at: z.number() }),
  eventTime: (click) => click.at,
  disorder: { minutes: 1 },
});
const counted = pipeline("counted", (flow) => {
  const read = flow.from(source);
  read.map("row", ({ page, at }) => ({ page, at, clicks: 1 })).to(totals);
  read.filter("some", () => true).to(lake("raw_clicks", { page: text, at: timestamp }));
});
const template = provisioned(counted);
const [stream] = ofType(template, "AWS::KinesisFirehose::DeliveryStream").filter(
  ({ Properties }) => "IcebergDestinationConfiguration" in Properties,
);
const destination = stream!.Properties["IcebergDestinationConfiguration"] as Readonly<Record<string, unknown>>;
const tables = ofType(template, "AWS::Glue::Table");
const tableNamed = (name: string) =>
  tables.filter(({ Properties }) => (Properties["TableInput"] as { Name: string }).Name === name);

describe("X8: a lake of Iceberg", () => {
  test("has every row update the one with its id: unique keys do nothing without an operation", () => {
    expect(destination).toMatchObject({
      AppendOnly: false,
      DestinationTableConfigurationList: [
        { DestinationDatabaseName: "counted", DestinationTableName: "totals", UniqueKeys: ["output_id"] },
      ],
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          {
            Type: "MetadataExtraction",
            Parameters: [
              {
                ParameterName: "MetadataExtractionQuery",
                ParameterValue: '{destinationDatabaseName:"counted",destinationTableName:"totals",operation:"update"}',
              },
              { ParameterName: "JsonParsingEngine", ParameterValue: "JQ-1.6" },
            ],
          },
        ],
      },
    });
  });

  test("keeps what could not be written below the error prefix, away from the table", () => {
    const { ErrorOutputPrefix, BucketARN } = destination["S3Configuration"] as Record<string, unknown>;
    expect(destination["s3BackupMode"]).toBe("FailedDataOnly");
    expect(destination["RetryOptions"]).toEqual({ DurationInSeconds: 7_200 });
    expect(plain(BucketARN)).toBe("{PipelineLake.Arn}");
    expect(ErrorOutputPrefix).toBe("errors/totals/!{firehose:error-output-type}/!{timestamp:yyyy/MM/dd}/");
  });

  test("has one table, of version 2, and no view: there are no repeats to hide", () => {
    const [table, ...others] = tableNamed("totals");
    expect(others).toEqual([]);
    expect(tableNamed("totals_raw")).toEqual([]);
    expect(table!.Properties["OpenTableFormatInput"]).toEqual({
      IcebergInput: { MetadataOperation: "CREATE", Version: "2" },
    });
    const input = table!.Properties["TableInput"] as Record<string, unknown>;
    const { Location, Columns } = input["StorageDescriptor"] as Record<string, unknown>;
    expect(input["TableType"]).toBe("EXTERNAL_TABLE");
    expect(plain(Location)).toBe("s3://{PipelineLake}/data/totals");
    expect(Columns).toEqual([
      { Name: "page", Type: "string" },
      { Name: "at", Type: "timestamp" },
      { Name: "clicks", Type: "bigint" },
      { Name: "share", Type: "double" },
      { Name: "output_id", Type: "string" },
    ]);
  });

  test("has a stream that is made after its table, as Firehose looks for table and key", () => {
    const { DependsOn } = stream as unknown as { DependsOn: string[] };
    expect(DependsOn.some((id) => id.includes("totalsIcebergTable"))).toBe(true);
  });

  test("keeps the catalogue's entry with the files: it says which of them are the table", () => {
    const [table] = tableNamed("totals");
    const [database] = ofType(template, "AWS::Glue::Database");
    expect([table!.DeletionPolicy, database!.DeletionPolicy]).toEqual(["Retain", "Retain"]);
    const destroyed = provisioned(counted, { removal: "destroy" });
    expect(ofType(destroyed, "AWS::Glue::Database")[0]!.DeletionPolicy).toBe("Delete");
  });

  test("has a role that commits to its table, writes its files, and no more", () => {
    const role = ofType(template, "AWS::IAM::Role").find(
      ({ Properties }) => Properties["Description"] === 'Delivers lake("totals") to S3',
    )!;
    const [{ PolicyDocument }] = role.Properties["Policies"] as [
      { PolicyDocument: { Statement: { Sid: string; Action: unknown; Resource: unknown }[] } },
    ];
    const allowed = PolicyDocument.Statement.map(({ Sid, Action, Resource }) => [
      Sid,
      [Action].flat(),
      [Resource].flat().map(plain),
    ]);
    const glue = (resource: string) => `arn:{AWS::Partition}:glue:{AWS::Region}:{AWS::AccountId}:${resource}`;
    expect(allowed).toEqual([
      [
        "WriteFiles",
        ["s3:AbortMultipartUpload", "s3:GetObject", "s3:PutObject"],
        ["{PipelineLake.Arn}/data/totals/*", "{PipelineLake.Arn}/errors/totals/*"],
      ],
      [
        "FindBucket",
        ["s3:GetBucketLocation", "s3:ListBucket", "s3:ListBucketMultipartUploads"],
        ["{PipelineLake.Arn}"],
      ],
      [
        "CommitFiles",
        ["glue:GetDatabase", "glue:GetTable", "glue:UpdateTable"],
        [glue("catalog"), glue("database/counted"), glue("table/counted/totals")],
      ],
      ["DeleteFiles", ["s3:DeleteObject"], ["{PipelineLake.Arn}/data/totals/*"]],
      ["WriteLogs", ["logs:PutLogEvents"], ["{PipelineLakestotalsLogs.Arn}"]],
    ]);
  });

  test("is watched by Iceberg's metrics, as those of S3 are not there", () => {
    const watched = ofType(template, "AWS::CloudWatch::Alarm").map(({ Properties }) => Properties["MetricName"]);
    expect(watched).toContain("DeliveryToIceberg.DataFreshness");
    expect(watched).toContain("DeliveryToIceberg.FailedRowCount");
    expect(JSON.stringify(ofType(template, "AWS::CloudWatch::Dashboard"))).toContain("DeliveryToIceberg.DataFreshness");
  });

  test("beside a lake of files changes nothing of that one", () => {
    expect(tableNamed("raw_clicks_raw")).toHaveLength(1);
    expect(tableNamed("raw_clicks")).toHaveLength(1);
  });

  test("says its table among the outputs, and no view", () => {
    const outputs = template.toJSON()["Outputs"] as Record<string, { Value: unknown }>;
    expect(outputs["LakeTotalsTable"]!.Value).toBe("totals");
    expect(outputs).not.toHaveProperty("LakeTotalsView");
  });
});

describe("with a key of one's own", () => {
  const violationsOf = (props: (stack: Stack) => Partial<MillracePipelineProps>) => {
    const stack = new Stack(new App({ context: { "aws:cdk:bundling-stacks": [] } }), "nag");
    const code = Code.fromInline("// none");
    new MillracePipeline(stack, "Pipeline", { pipeline: counted, handler: "x.ts", code, ...props(stack) });
    const { violations } = new AwsSolutionsChecks(stack).validateScope(stack);
    return violations.map(({ ruleName }) => ruleName);
  };

  test("and without one cdk-nag finds nothing", () => {
    expect(violationsOf(() => ({}))).toEqual([]);
    expect(violationsOf((stack) => ({ encryptionKey: new Key(stack, "Key", { enableKeyRotation: true }) }))).toEqual(
      [],
    );
  });

  test("what waits in Firehose is encrypted by it", () => {
    const app = new App({ outdir: temporaryDirectory("iceberg") });
    const stack = new Stack(app, "keyed");
    const encryptionKey = new Key(stack, "Key", { enableKeyRotation: true });
    const code = Code.fromInline("// none");
    new MillracePipeline(stack, "Pipeline", { pipeline: counted, handler: "x.ts", code, encryptionKey });
    process.env["CDK_VALIDATION"] = "false";
    const file = join(app.synth().directory, "keyed.template.json");
    const { Resources } = JSON.parse(readFileSync(file, "utf8")) as {
      Resources: Record<string, { Properties: Record<string, unknown> }>;
    };
    const keyed = Object.entries(Resources).find(([id]) => id.includes("DeliveryToIceberg"))![1];
    expect(keyed.Properties["DeliveryStreamEncryptionConfigurationInput"]).toMatchObject({
      KeyType: "CUSTOMER_MANAGED_CMK",
    });
  });
});

describe("what cannot be with Iceberg is refused, by the lake's name", () => {
  test.each<[string, LakeOptions<typeof columns>, RegExp]>([
    [
      "folders by day",
      { partitionBy: day("at", { from: "2024-01-01" }) },
      /lake\("x"\) is of Iceberg and has partitionBy/,
    ],
    ["ORC", { format: "orc" }, /lake\("x"\) is of Iceberg and has the format "orc".*Firehose writes Parquet/s],
  ])("%s", (_, options, message) => {
    expect(() => lake("x", columns, { table: "iceberg", ...options })).toThrow(message);
  });

  test("compaction, at synthesis", () => {
    expect(() => provisioned(counted, { lakes: { compaction: {} } })).toThrow(
      /lakes\.compaction.*lake\("totals"\), whose table is of Iceberg.*OPTIMIZE/s,
    );
  });

  test("but the format that it has may be said", () => {
    expect(() => lake("x", columns, { table: "iceberg", format: "parquet" })).not.toThrow();
  });
});
