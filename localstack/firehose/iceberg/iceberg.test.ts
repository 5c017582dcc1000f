import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { Database } from "../../start/database.ts";
import { openIcebergTable } from "../../start/iceberg-results.ts";
import { lakeOf, openLake } from "../../start/results.ts";
import type { ResolvedResource } from "../../template/resolve-template.ts";
import { temporaryStack, type TemporaryStack } from "../../testing/temporary-stack.ts";
import { deliverySettings } from "../delivery-settings.ts";
import type { IcebergSettings } from "./iceberg-settings.ts";
import { mergeRecords } from "./merge-records.ts";
import { operationQuery, route } from "./operation-query.ts";
import { EMPTY, type TableState } from "./table-state.ts";
import { commitTo } from "./table.ts";

const COLUMNS = [
  { Name: "output_id", Type: "string" },
  { Name: "at", Type: "timestamp" },
  { Name: "n", Type: "bigint" },
];

const destination = (more: Readonly<Record<string, unknown>> = {}) => ({
  RoleARN: "arn:aws:iam::000000000000:role/r",
  BufferingHints: { SizeInMBs: 64, IntervalInSeconds: 900 },
  DestinationTableConfigurationList: [
    { DestinationDatabaseName: "db", DestinationTableName: "rows", UniqueKeys: ["output_id"] },
  ],
  ProcessingConfiguration: {
    Enabled: true,
    Processors: [
      {
        Type: "MetadataExtraction",
        Parameters: [
          { ParameterName: "MetadataExtractionQuery", ParameterValue: '{operation:.op,destinationTableName:"rows"}' },
          { ParameterName: "JsonParsingEngine", ParameterValue: "JQ-1.6" },
        ],
      },
    ],
  },
  S3Configuration: { BucketARN: "arn:aws:s3:::lake", ErrorOutputPrefix: "errors/!{firehose:error-output-type}/" },
  ...more,
});

const table = (more: Readonly<Record<string, unknown>> = {}) => ({
  DatabaseName: "db",
  OpenTableFormatInput: { IcebergInput: { MetadataOperation: "CREATE", Version: "2" } },
  TableInput: {
    Name: "rows",
    TableType: "EXTERNAL_TABLE",
    StorageDescriptor: { Location: "s3://lake/data/rows", Columns: COLUMNS },
  },
  ...more,
});

describe("an Iceberg destination in the stack", () => {
  let temporary: TemporaryStack;
  let firehose: FirehoseClient;
  let database: Database;

  beforeAll(async () => {
    temporary = await temporaryStack({
      Resources: {
        Lake: { Type: "AWS::S3::Bucket", Properties: { BucketName: "lake" } },
        Rows: {
          Type: "AWS::KinesisFirehose::DeliveryStream",
          Properties: { DeliveryStreamName: "rows", IcebergDestinationConfiguration: destination() },
        },
        Table: { Type: "AWS::Glue::Table", Properties: table() },
      },
    });
    const credentials = { accessKeyId: "local", secretAccessKey: "local" };
    firehose = new FirehoseClient({
      region: "us-east-1",
      credentials,
      endpoint: temporary.stack.endpoints.firehose,
    });
    database = await Database.open(temporary.directory);
  });

  afterAll(async () => {
    database.close();
    await temporary.remove();
  });

  async function deliver(...records: readonly unknown[]): Promise<void> {
    const Records = records.map((one) => ({ Data: Buffer.from(typeof one === "string" ? one : JSON.stringify(one)) }));
    await firehose.send(new PutRecordBatchCommand({ DeliveryStreamName: "rows", Records }));
    await temporary.stack.flushDeliveryStreams();
  }

  const openTable = async () => {
    const [lake] = await openLake(database, lakeOf(temporary.stack));
    return lake;
  };

  it("has no rows before the first commit", async () => {
    expect(await openTable()).toMatchObject({ name: "rows", rawRows: 0 });
  });

  it("an update takes the place of the row with its key, in its buffer and in every one before", async () => {
    await deliver({ op: "update", output_id: "a", at: 1_000_001, n: 1 }, { op: "update", output_id: "b", n: 1 });
    await deliver({ op: "update", output_id: "a", at: 2, n: 2 }, { op: "update", output_id: "a", at: 3, n: 3 });
    await deliver({ op: "delete", output_id: "b" }, { op: "update", output_id: "c", at: -1, n: 2 ** 53 - 1 });
    await openTable();
    const found = await database.rows(`SELECT output_id, epoch_us("at") AS "at", n FROM rows ORDER BY output_id`);
    expect(found).toEqual([
      { output_id: "a", at: 3n, n: 3n },
      { output_id: "c", at: -1n, n: BigInt(2 ** 53 - 1) },
    ]);
  });

  it("without an operation each delivery is a row of its own: unique keys do nothing", async () => {
    await deliver({ output_id: "plain", n: 1 }, { output_id: "plain", n: 1 });
    await deliver({ output_id: "plain", n: 1 });
    await openTable();
    expect(await database.rows("SELECT count(*)::INTEGER AS n FROM rows WHERE output_id = 'plain'")).toEqual([
      { n: 3 },
    ]);
  });

  it("what is not one object that fits the table goes to the error prefix, and what is beside it does not", async () => {
    await deliver(
      '{"op":"update","output_id":"x","n":1}\n{"op":"update","output_id":"y","n":1}',
      { op: "update", output_id: "z", n: "1" },
      { op: "update", n: 1 },
      { op: "upsert", output_id: "w", n: 1 },
      { op: "update", output_id: "good", n: 1 },
    );
    const [file] = await temporary.stack.objectFiles("lake", "errors/iceberg-failed/");
    const failed = readFileSync(file!, "utf8").trimEnd().split("\n");
    expect(failed.map((line) => (JSON.parse(line) as { errorCode: string }).errorCode)).toEqual([
      "Iceberg.MalformedRecord",
      "Iceberg.InvalidColumnValue",
      "Iceberg.MissingColumnWithinRecord",
      "Iceberg.InvalidOperation",
    ]);
    await openTable();
    expect(await database.rows("SELECT output_id FROM rows WHERE output_id IN ('x', 'y', 'z', 'w', 'good')")).toEqual([
      { output_id: "good" },
    ]);
    const metric = (name: string) => temporary.stack.metrics().find((series) => series.name === name)?.sum;
    expect(metric("DeliveryToIceberg.FailedRowCount")).toBe(4);
  });
});

describe("a table of Iceberg", () => {
  const settings: IcebergSettings = {
    database: "db",
    table: "rows",
    columns: COLUMNS.map(({ Name, Type }) => ({ name: Name, type: Type })),
    uniqueKeys: ["output_id"],
    query: operationQuery("{operation:.op}")!,
    location: "s3://lake/data/rows",
  };

  it("holds what its operations leave, however they are cut into buffers", { timeout: 60_000 }, async () => {
    const operation = fc.record({
      op: fc.constantFrom("update", "update", "insert", "delete"),
      output_id: fc.constantFrom("a", "b", 'c"d', "ü\u0000"),
      n: fc.integer(),
    });
    await fc.assert(
      fc.asyncProperty(fc.array(fc.array(operation, { maxLength: 6 }), { maxLength: 6 }), async (buffers) => {
        const directory = mkdtempSync(join(tmpdir(), "iceberg-"));
        const database = await Database.open(directory);
        try {
          let state: TableState = { uuid: "t", ...EMPTY };
          for (const buffer of buffers) {
            const merge = mergeRecords(
              buffer.map((one) => Buffer.from(JSON.stringify(one))),
              settings,
            );
            expect(merge.rejected).toEqual([]);
            if (merge.rows.length + merge.keys.length === 0) continue;
            const commit = commitTo(state, merge, settings, 0);
            state = commit.state;
            for (const { path, bytes } of commit.objects) {
              mkdirSync(dirname(join(directory, "data/rows", path)), { recursive: true });
              writeFileSync(join(directory, "data/rows", path), bytes);
            }
          }
          const model = new Map<string, number[]>();
          for (const { op, output_id: id, n } of buffers.flat()) {
            const before = op === "insert" ? (model.get(id) ?? []) : [];
            model.set(id, op === "delete" ? [] : [...before, n]);
          }
          const objectFiles = (_: string, key: string) => Promise.resolve(filesBelow(directory, key));
          const input = { Name: "rows", StorageDescriptor: { Location: settings.location, Columns: COLUMNS } };
          await openIcebergTable(database, { objectFiles, tables: [] }, input);
          const rows = await database.rows("SELECT output_id AS id, n FROM rows");
          const expected = [...model].flatMap(([id, all]) => all.map((n) => `${id} ${n}`));
          expect(rows.map(({ id, n }) => `${id as string} ${Number(n)}`).toSorted()).toEqual(expected.toSorted());
        } finally {
          database.close();
          rmSync(directory, { recursive: true });
        }
      }),
      { numRuns: 40 },
    );
  });
});

/** Paths of the files whose keys begin so. */
const filesBelow = (directory: string, prefix: string): readonly string[] => {
  try {
    return readdirSync(directory, { recursive: true, encoding: "utf8" })
      .filter((key) => key.startsWith(prefix) && /\.\w+$/.test(key))
      .map((key) => join(directory, key));
  } catch {
    return [];
  }
};

describe("a query of operations", () => {
  it("is an object of texts and fields", () => {
    const query = operationQuery('{destinationDatabaseName:"d", "operation" : .op , destinationTableName:.t}')!;
    expect(route(query, { op: "delete", t: "x" })).toEqual({ database: "d", table: "x", operation: "delete" });
    expect(route(query, { t: "x" })).toEqual({ database: "d", table: "x", operation: "insert" });
    expect(route(query, { op: "upsert" })).toMatch(/"upsert"/);
  });

  it.each(["", ".op", '{operation:(.op // "insert")}', '{operation:"a\\"b"}', "{operation:.a.b}"])(
    "is not run where it is %s",
    (text) => expect(operationQuery(text)).toBeUndefined(),
  );
});

describe("settings that AWS refuses, or that are not run", () => {
  const refusing =
    (of: Readonly<Record<string, unknown>>, other = table()) =>
    () => {
      const resource = (type: string, properties: Readonly<Record<string, unknown>>) =>
        ({ logicalId: "Rows", type, name: "rows", properties }) as unknown as ResolvedResource;
      const stream = resource("AWS::KinesisFirehose::DeliveryStream", { IcebergDestinationConfiguration: of });
      return deliverySettings(stream, [stream, resource("AWS::Glue::Table", other)]);
    };
  const target = { DestinationDatabaseName: "db", DestinationTableName: "rows" };

  it.each<[string, () => unknown, RegExp]>([
    [
      "a table that is not there",
      refusing(destination(), table({ DatabaseName: "other" })),
      /db\.rows, which no given/,
    ],
    ["a table of files", refusing(destination(), table({ OpenTableFormatInput: undefined })), /not a table of Iceberg/],
    [
      "version 1",
      refusing(destination(), table({ OpenTableFormatInput: { IcebergInput: { Version: "1" } } })),
      /version 2/,
    ],
    [
      "a key that is no column",
      refusing(destination({ DestinationTableConfigurationList: [{ ...target, UniqueKeys: ["key"] }] })),
      /the unique key key is no column/,
    ],
    ["several tables", refusing(destination({ DestinationTableConfigurationList: [target, target] })), /one Iceberg/],
    ["a function", refusing(destination({ ProcessingConfiguration: { Processors: [{ Type: "Lambda" }] } })), /Lambda/],
    ["AppendOnly", refusing(destination({ AppendOnly: true })), /AppendOnly/],
    ["a large buffer", refusing(destination({ BufferingHints: { SizeInMBs: 129 } })), /from 1 to 128, not 129/],
  ])("%s", (_, settings, message) => {
    expect(settings).toThrow(message);
  });
});
