import { readFileSync } from "node:fs";
import { FirehoseClient, PutRecordBatchCommand, PutRecordCommand } from "@aws-sdk/client-firehose";
import { DuckDBInstance } from "@duckdb/node-api";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { ManualClock } from "../testing/manual-clock.ts";
import { temporaryStack, type TemporaryStack } from "../testing/temporary-stack.ts";
import { deliverySettings } from "./delivery-settings.ts";
import { DeliveryStream } from "./delivery-stream.ts";
import { Metrics } from "../metrics/metrics.ts";

const converting = (size: number) => ({
  DeliveryStreamName: "rows",
  ExtendedS3DestinationConfiguration: {
    BucketARN: { "Fn::GetAtt": ["Lake", "Arn"] },
    Prefix: "data/",
    ErrorOutputPrefix: "errors/!{firehose:error-output-type}/",
    BufferingHints: { SizeInMBs: size, IntervalInSeconds: 900 },
    DataFormatConversionConfiguration: {
      InputFormatConfiguration: { Deserializer: { HiveJsonSerDe: { TimestampFormats: ["millis"] } } },
      OutputFormatConfiguration: { Serializer: { ParquetSerDe: { Compression: "SNAPPY" } } },
      SchemaConfiguration: { DatabaseName: { Ref: "Database" }, TableName: { Ref: "Table" } },
    },
  },
});

const resources = (size = 64) => ({
  Lake: { Type: "AWS::S3::Bucket", Properties: { BucketName: "lake" } },
  Database: { Type: "AWS::Glue::Database", Properties: { DatabaseInput: { Name: "db" } } },
  Table: {
    Type: "AWS::Glue::Table",
    Properties: {
      DatabaseName: { Ref: "Database" },
      TableInput: {
        Name: "rows",
        StorageDescriptor: {
          Columns: [
            { Name: "id", Type: "bigint" },
            { Name: "at", Type: "timestamp" },
          ],
        },
      },
    },
  },
  Rows: { Type: "AWS::KinesisFirehose::DeliveryStream", Properties: converting(size) },
});

describe("Firehose in the stack", () => {
  let temporary: TemporaryStack;
  let firehose: FirehoseClient;

  beforeAll(async () => {
    temporary = await temporaryStack({ Resources: resources() });
    firehose = new FirehoseClient({
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      endpoint: temporary.stack.endpoints.firehose,
    });
  });

  afterAll(() => temporary.remove());

  const put = (...records: readonly Uint8Array[]) =>
    firehose.send(
      new PutRecordBatchCommand({ DeliveryStreamName: "rows", Records: records.map((Data) => ({ Data })) }),
    );

  it("writes Parquet that DuckDB reads, and what does not convert to the error prefix", async () => {
    await put(Buffer.from('{"id":1,"at":1000}{"id":2,"at":2000}'), Buffer.from("[1]"));
    await firehose.send(
      new PutRecordCommand({ DeliveryStreamName: "rows", Record: { Data: Buffer.from('{"id":3}') } }),
    );
    await temporary.stack.flushDeliveryStreams();
    const [file] = await temporary.stack.objectFiles("lake", "data/");
    const connection = await (await DuckDBInstance.create()).connect();
    const result = await connection.runAndReadAll(
      `select id, epoch_ms("at") as "at" from read_parquet('${file}') order by id`,
    );
    expect(result.getRowObjects()).toEqual([
      { id: 1n, at: 1000n },
      { id: 2n, at: 2000n },
      { id: 3n, at: null },
    ]);
    connection.closeSync();
    const [failure] = await temporary.stack.objectFiles("lake", "errors/format-conversion-failed/");
    const document = JSON.parse(readFileSync(failure ?? "", "utf8")) as Record<string, unknown>;
    expect(document).toMatchObject({
      rawData: Buffer.from("[1]").toString("base64"),
      errorCode: "DataFormatConversion.MalformedData",
      errorMessage: expect.stringContaining("expected an object") as string,
    });
    expect(temporary.stack.usage().firehose).toMatchObject({ records: 3, billedBytes: 3 * 5 * 1024 });
    expect(temporary.stack.usage().s3.requests).toEqual({ PutObject: 2 });
  });

  it("refuses more than 500 records, 4 MiB or 1,000 KB a record, by AWS's names", async () => {
    await expect(put(...Array.from({ length: 501 }, () => Buffer.from("{}")))).rejects.toMatchObject({
      name: "ValidationException",
    });
    await expect(put(Buffer.alloc(1_024_001))).rejects.toMatchObject({ name: "ValidationException" });
    await expect(put(...Array.from({ length: 5 }, () => Buffer.alloc(1_000_000)))).rejects.toMatchObject({
      name: "InvalidArgumentException",
    });
    await expect(
      firehose.send(new PutRecordCommand({ DeliveryStreamName: "none", Record: { Data: Buffer.from("{}") } })),
    ).rejects.toMatchObject({
      name: "ResourceNotFoundException",
    });
  });
});

describe("Firehose settings", () => {
  it("refuses a buffer below 64 MB with format conversion", async () => {
    await expect(temporaryStack({ Resources: resources(63) })).rejects.toThrow("SizeInMBs must be at least 64");
  });

  it("refuses what it cannot run", () => {
    const refusing = (properties: Record<string, unknown>) => () =>
      deliverySettings(
        { logicalId: "D", name: "d", arn: "a", ref: "d", type: "", stackName: "S", assets: new Map(), properties },
        [],
      );
    expect(refusing({ DeliveryStreamType: "KinesisStreamAsSource" })).toThrow("DirectPut");
    expect(refusing({ SplunkDestinationConfiguration: {} })).toThrow("S3 and to Iceberg only");
    expect(refusing({ S3DestinationConfiguration: { CompressionFormat: "ZIP" } })).toThrow("ZIP");
  });
});

describe("Firehose buffering", () => {
  const resource: ResolvedResource = {
    logicalId: "D",
    name: "plain",
    ref: "plain",
    arn: "arn",
    type: "AWS::KinesisFirehose::DeliveryStream",
    stackName: "S",
    assets: new Map(),
    properties: {
      S3DestinationConfiguration: {
        BucketARN: "arn:aws:s3:::b",
        BufferingHints: { SizeInMBs: 1, IntervalInSeconds: 60 },
      },
    },
  };

  function start(timeScale = 1) {
    const clock = new ManualClock();
    const objects: string[] = [];
    let isRefusing = false;
    const putObject = (_bucket: string, _key: string, body: Buffer) => {
      if (isRefusing) throw new Error("There is no bucket b.");
      objects.push(body.toString());
    };
    const refuse = (refusing: boolean) => void (isRefusing = refusing);
    const context = {
      clock,
      timeScale,
      conversionEntry: "",
      commitEntry: "",
      putObject,
      metrics: new Metrics(),
      onNotice: () => undefined,
    };
    return { clock, objects, refuse, stream: new DeliveryStream(deliverySettings(resource, []), context) };
  }

  const turn = () => new Promise((resolve) => setImmediate(resolve));

  it("delivers when the interval is over, counted from the first record, divided by the time scale", async () => {
    const { clock, objects, stream } = start(10);
    stream.put(Buffer.from("a\n"));
    clock.advance(5_999);
    stream.put(Buffer.from("b"));
    await turn();
    expect(objects).toEqual([]);
    clock.advance(1);
    await turn();
    expect(objects).toEqual(["a\nb"]);
  });

  it("keeps what it cannot write, and writes it by the settings that are there when it can", async () => {
    const { clock, objects, stream, refuse } = start();
    refuse(true);
    stream.put(Buffer.from("a"));
    clock.advance(60_000);
    await turn();
    stream.put(Buffer.from("b"));
    expect([objects, stream.rows]).toEqual([[], { held: 2, written: 0 }]);
    clock.advance(1_000);
    await turn();
    expect(objects).toEqual([]);
    refuse(false);
    clock.advance(1_000);
    await turn();
    expect([objects, stream.rows]).toEqual([["a"], { held: 2, written: 1 }]);
    refuse(true);
    clock.advance(60_000);
    await turn();
    await stream.stop(); // ends, although there is something to write
  });

  it("delivers at once when the buffer is full, and starts a new interval with the next record", async () => {
    const { clock, objects, stream } = start();
    stream.put(Buffer.alloc(1024 * 1024, "x"));
    await turn();
    expect(objects.map(({ length }) => length)).toEqual([1024 * 1024]);
    clock.advance(59_000);
    stream.put(Buffer.from("late"));
    clock.advance(59_999);
    await turn();
    expect(objects).toHaveLength(1);
    clock.advance(1);
    await turn();
    expect(objects[1]).toBe("late");
  });
});
