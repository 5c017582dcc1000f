import { kinesis, lake, pipeline, text, timestamp, type LakeFormat } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { temporaryStack } from "../../localstack/testing/temporary-stack.ts";
import { ofType, provisioned } from "./synthesized.ts";

const clicked = (format: LakeFormat) =>
  pipeline("clicked", (flow) => {
    const clicks = kinesis("clicks", {
      schema: z.object({ page: z.string(), at: z.number() }),
      eventTime: (click) => click.at,
      disorder: { minutes: 1 },
    });
    flow.from(clicks).to(lake("clicked", { page: text, at: timestamp }, { format }));
  });

const template = provisioned(clicked("orc"));

test("Firehose writes ORC", () => {
  const [stream] = ofType(template, "AWS::KinesisFirehose::DeliveryStream");
  expect(stream!.Properties["ExtendedS3DestinationConfiguration"]).toMatchObject({
    CompressionFormat: "UNCOMPRESSED",
    DataFormatConversionConfiguration: {
      Enabled: true,
      OutputFormatConfiguration: { Serializer: { OrcSerDe: { Compression: "SNAPPY" } } },
    },
  });
});

test("the catalogue says ORC, read by the columns' names", () => {
  const tables = ofType(template, "AWS::Glue::Table").map(({ Properties }) => Properties["TableInput"]);
  expect(tables).toContainEqual(
    expect.objectContaining({
      Name: "clicked_raw",
      Parameters: { EXTERNAL: "TRUE", classification: "orc", "orc.compress": "SNAPPY" },
      StorageDescriptor: expect.objectContaining({
        InputFormat: "org.apache.hadoop.hive.ql.io.orc.OrcInputFormat",
        OutputFormat: "org.apache.hadoop.hive.ql.io.orc.OrcOutputFormat",
        SerdeInfo: {
          SerializationLibrary: "org.apache.hadoop.hive.ql.io.orc.OrcSerde",
          Parameters: { "orc.column.index.access": "false" },
        },
      }) as unknown,
    }),
  );
});

test("compaction is refused: it knows Parquet alone", () => {
  const lakes = { compaction: {} };
  expect(() => provisioned(clicked("orc"), { lakes })).toThrow(/lake\("clicked"\), whose files are ORC/);
  expect(() => provisioned(clicked("parquet"), { lakes })).not.toThrow();
});

test("the local stack says that it writes Parquet in its place", async () => {
  const all = Object.entries(template.toJSON()["Resources"] as Record<string, { Type: string }>);
  const needed = /KinesisFirehose|Glue|S3::Bucket$|Logs/;
  const Resources = Object.fromEntries(
    all.filter(([id, { Type }]) => needed.test(Type) || id.includes("DeliveryRole")),
  );
  const { notices, remove } = await temporaryStack({ Resources });
  await remove();
  expect(notices.map(({ text: notice }) => notice)).toContainEqual(
    expect.stringContaining("AWS writes ORC; the local stack cannot, and writes Parquet"),
  );
});
