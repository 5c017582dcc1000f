import { describe, expect, it } from "vitest";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { deliverySettings } from "./delivery-settings.ts";
import { DeliveryStream } from "./delivery-stream.ts";
import { Metrics } from "../metrics/metrics.ts";

const parameter = (ParameterName: string, ParameterValue: string) => ({ ParameterName, ParameterValue });
const apart = { Type: "RecordDeAggregation", Parameters: [parameter("SubRecordType", "JSON")] };
const query = (text: string) => ({
  Type: "MetadataExtraction",
  Parameters: [parameter("MetadataExtractionQuery", text), parameter("JsonParsingEngine", "JQ-1.6")],
});

const resource = (processors: readonly unknown[], prefix: string): ResolvedResource => ({
  logicalId: "D",
  name: "rows",
  ref: "rows",
  arn: "arn",
  type: "AWS::KinesisFirehose::DeliveryStream",
  stackName: "S",
  assets: new Map(),
  properties: {
    ExtendedS3DestinationConfiguration: {
      BucketARN: "arn:aws:s3:::b",
      Prefix: prefix,
      ErrorOutputPrefix: "errors/!{firehose:error-output-type}/",
      BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 60 },
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [...processors, { Type: "AppendDelimiterToRecord", Parameters: [] }],
      },
    },
  },
});

const settings = (processors: readonly unknown[] = [apart, query("{day:.event_date}")], prefix?: string) =>
  deliverySettings(resource(processors, prefix ?? "data/day=!{partitionKeyFromQuery:day}/!{timestamp:yyyy}/"), []);

function start() {
  const objects: { key: string; text: string }[] = [];
  const putObject = (_bucket: string, key: string, body: Buffer) => void objects.push({ key, text: body.toString() });
  const clock = new ManualClock();
  const metrics = new Metrics();
  const context = {
    clock,
    timeScale: 1,
    conversionEntry: "",
    commitEntry: "",
    putObject,
    metrics,
    onNotice: () => undefined,
  };
  return { objects, clock, metrics, stream: new DeliveryStream(settings(), context) };
}

const row = (day: number | string, n = 0) => `{"event_date":${JSON.stringify(day)},"n":${n}}`;

describe("Firehose dynamic partitioning", () => {
  it("takes records apart and writes an object a partition", async () => {
    const { objects, stream } = start();
    stream.put(Buffer.from(`${row("2001-01-01", 1)}\n${row("2001-01-02", 2)}${row("2001-01-01", 3)}`));
    stream.put(Buffer.from(row("2001-01-02", 4)));
    await stream.flush();
    expect(objects.map(({ text }) => text)).toEqual([
      `${row("2001-01-01", 1)}\n${row("2001-01-01", 3)}\n`,
      `${row("2001-01-02", 2)}\n${row("2001-01-02", 4)}\n`,
    ]);
    expect(objects[0]!.key).toMatch(/^data\/day=2001-01-01\/\d{4}\/rows-1-/);
    expect(objects[1]!.key).toMatch(/^data\/day=2001-01-02\/\d{4}\/rows-1-/);
  });

  it("keeps a partition's own time: each waits from its first row on", async () => {
    const { objects, clock, stream } = start();
    const turn = () => new Promise((resolve) => setImmediate(resolve));
    stream.put(Buffer.from(row("a")));
    clock.advance(30_000);
    stream.put(Buffer.from(row("b")));
    clock.advance(30_000);
    await turn();
    expect(objects.map(({ text }) => text)).toEqual([`${row("a")}\n`]);
    clock.advance(30_000);
    await turn();
    expect(objects).toHaveLength(2);
  });

  it.each([
    ["a row without the key", `${row("a")}{"n":1}`],
    ["a row whose key is empty", row("")],
    ["more than 500 rows", row("a").repeat(501)],
    ["what is no JSON object", "[1]"],
  ])("sets a record aside whole for %s", async (_, text) => {
    const { objects, stream } = start();
    stream.put(Buffer.from(text));
    await stream.flush();
    expect(objects.map(({ key }) => key)).toEqual([expect.stringMatching(/^errors\/processing-failed\//)]);
    const { rawData } = JSON.parse(objects[0]!.text) as { rawData: string };
    expect(Buffer.from(rawData, "base64").toString()).toBe(text);
  });

  it("takes 500 rows of a record, and holds 500 partitions at a time", async () => {
    const { objects, stream, metrics } = start();
    stream.put(Buffer.from(Array.from({ length: 500 }, (_, n) => row(n)).join("")));
    stream.put(Buffer.from(row("one more")));
    await stream.flush();
    const failed = objects.filter(({ key }) => key.startsWith("errors/activePartitionExceeded/"));
    expect(failed).toHaveLength(1);
    expect(objects).toHaveLength(501);
    expect(metrics.all()).toMatchObject([{ name: "PartitionCountExceeded", sum: 1, max: 1 }]);
  });

  it.each([
    ["a query that is more than fields", [apart, query('{day:(.t|strftime("%F"))}')], undefined, "is not run"],
    ["records that stay whole", [query("{day:.event_date}")], undefined, "taken apart as JSON"],
    ["a prefix without the key", undefined, "data/!{timestamp:yyyy}/", "does not use the partition key day"],
    ["a key that no query finds", undefined, "!{partitionKeyFromQuery:day}!{partitionKeyFromQuery:hour}/", "hour"],
    ["another processor", [apart, query("{day:.event_date}"), { Type: "Lambda" }], undefined, "Lambda is not run"],
  ])("refuses %s", (_, processors, prefix, message) => {
    expect(() => settings(processors, prefix)).toThrow(message);
  });
});
