import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { bigint, day, double, kinesis, lake, nullable, pipeline, text, timestamp } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { z } from "zod";
import { convertRecords } from "../../localstack/firehose/format-conversion.ts";
import { eventDateOf } from "../../lib/connectors/firehose/event-date.ts";
import { viewSql } from "../../lib/connectors/firehose/view.ts";
import { ofType, plain, provisioned } from "./synthesized.ts";

const columns = { shop: text, windowStart: timestamp, total: double };
const sales = lake("sales", columns, { partitionBy: day("windowStart", { from: "2001-01-01" }) });
const at = (iso: string) => Date.parse(iso);

describe("the day of a row", () => {
  const encode = (windowStart: number, shop = "s") => sales.encode({ shop, windowStart, total: 1 } as never);

  test("is that of its timestamp in UTC, to the millisecond", () => {
    const dayOf = (iso: string) => eventDateOf(sales.eventDates!, encode(at(iso)));
    expect(dayOf("2001-02-03T00:00:00.000Z")).toBe("2001-02-03");
    expect(dayOf("2001-02-03T23:59:59.999Z")).toBe("2001-02-03");
    expect(dayOf("9999-12-31T23:59:59.999Z")).toBe("9999-12-31");
  });

  test("before 1970 too", () => {
    const old = lake("old", columns, { partitionBy: day("windowStart", { from: "1900-01-01" }) });
    const body = old.encode({ shop: "s", windowStart: at("1969-12-31T23:59:59.999Z"), total: 1 } as never);
    expect(eventDateOf(old.eventDates!, body)).toBe("1969-12-31");
  });

  test("is not read out of a text that looks like the column", () => {
    const body = encode(at("2001-02-03T04:00Z"), `","window_start":0,"`);
    expect(eventDateOf(sales.eventDates!, body)).toBe("2001-02-03");
  });

  test("of a row that another build encoded, without the column, is an error that says what to do", () => {
    const other = lake("sales", { shop: text, at: timestamp });
    const body = other.encode({ shop: "s", at: 1 } as never);
    expect(() => eventDateOf(sales.eventDates!, body)).toThrow(/no "window_start".*Deploy the build that sent it/s);
  });

  test("must be one that Athena looks for: other rows are poison", () => {
    expect(() => encode(at("2000-12-31T23:59:59.999Z"))).toThrow(
      /lake\("sales"\).*"windowStart".*before 2001-01-01, the first day of the lake/,
    );
    expect(() => encode(at("9999-12-31T23:59:59.999Z") + 1)).toThrow(/after the year 9999/);
  });

  test("adds nothing to the row's own text: what was committed before there were folders goes on", () => {
    const row = { shop: "s", windowStart: at("2001-02-03"), total: 1 } as never;
    expect(sales.encode(row)).toBe(lake("plain", columns).encode(row));
  });
});

describe("a lake by day is refused", () => {
  const by = (field: string, from = "2001-01-01", more = {}) =>
    lake("sales", { ...columns, ...more }, { partitionBy: day(field, { from }) as never });

  test.each([
    ["without such a column", () => by("none"), /"none", which is not a column of timestamps/],
    ["by a number", () => by("total"), /"total", which is not a column of timestamps/],
    ["by what may be missing", () => by("at", "2001-01-01", { at: nullable(timestamp) }), /"at"/],
    ["from no day", () => by("windowStart", "2001-02-30"), /"2001-02-30", which is not a day such as 2024-01-01/],
    ["from a time", () => by("windowStart", "2001-01-01T00:00Z"), /is not a day/],
    ["with a column of the folders' name", () => by("windowStart", "2001-01-01", { eventDate: text }), /event_date/],
  ])("%s", (_, declare, message) => {
    expect(declare).toThrow(message);
  });

  test("by the compiler, where a field is no number that is always there", () => {
    const fields = { ...columns, n: bigint, maybe: nullable(timestamp) };
    // @ts-expect-error a text
    expect(() => lake("x", fields, { partitionBy: day("shop", { from: "2001-01-01" }) })).toThrow();
    // @ts-expect-error may be a bigint
    expect(() => lake("x", fields, { partitionBy: day("n", { from: "2001-01-01" }) })).toThrow();
    // @ts-expect-error may be missing
    expect(() => lake("x", fields, { partitionBy: day("maybe", { from: "2001-01-01" }) })).toThrow();
    // @ts-expect-error no such field
    expect(() => lake("x", fields, { partitionBy: day("nothing", { from: "2001-01-01" }) })).toThrow();
  });
});

describe("the template of a lake by day", () => {
  const source = kinesis("s", {
    schema: z.object({ shop: z.string(), at: z.number(), total: z.number() }),
    key: { shop: (r) => r.shop },
    eventTime: (r) => r.at,
    disorder: { minutes: 0 },
  });
  const template = provisioned(
    pipeline("p", (flow) => {
      flow
        .from(source)
        .map("row", ({ shop, at, total }) => ({ shop, windowStart: at, total }))
        .to(sales);
    }),
  );
  const tables = ofType(template, "AWS::Glue::Table").map(
    ({ Properties }) => Properties["TableInput"] as Record<string, unknown>,
  );
  const raw = tables.find(({ Name }) => Name === "sales_raw")!;

  test("Firehose takes rows apart and writes each into the folder of its day", () => {
    const [stream] = ofType(template, "AWS::KinesisFirehose::DeliveryStream");
    const destination = stream!.Properties["ExtendedS3DestinationConfiguration"] as Record<string, unknown>;
    expect(destination).toMatchObject({
      Prefix: "data/sales/event_date=!{partitionKeyFromQuery:event_date}/!{timestamp:yyyy/MM/dd/HH}/",
      DynamicPartitioningConfiguration: { Enabled: true },
      ProcessingConfiguration: {
        Enabled: true,
        Processors: [
          { Type: "RecordDeAggregation", Parameters: [{ ParameterName: "SubRecordType", ParameterValue: "JSON" }] },
          {
            Type: "MetadataExtraction",
            Parameters: [
              { ParameterName: "MetadataExtractionQuery", ParameterValue: "{event_date:.event_date}" },
              { ParameterName: "JsonParsingEngine", ParameterValue: "JQ-1.6" },
            ],
          },
        ],
      },
    });
  });

  test("Athena projects the folders: no crawler, no partitions in the catalogue", () => {
    expect(raw["PartitionKeys"]).toMatchObject([{ Name: "event_date", Type: "string" }]);
    const { "storage.location.template": location, ...parameters } = raw["Parameters"] as Record<string, unknown>;
    expect(parameters).toMatchObject({
      "projection.enabled": "true",
      "projection.event_date.type": "date",
      "projection.event_date.format": "yyyy-MM-dd",
      "projection.event_date.range": "2001-01-01,NOW+1DAYS",
      "projection.event_date.interval": "1",
      "projection.event_date.interval.unit": "DAYS",
    });
    expect(plain(location)).toBe("s3://{PipelineLake}/data/sales/event_date=${event_date}/");
    expect(plain((raw["StorageDescriptor"] as Record<string, unknown>)["Location"])).toBe(
      "s3://{PipelineLake}/data/sales/",
    );
  });

  test("the day is a column of the view, and no column of the files", () => {
    const names = ({ StorageDescriptor }: Record<string, unknown>) =>
      (StorageDescriptor as { Columns: { Name: string }[] }).Columns.map(({ Name }) => Name);
    expect(names(raw)).toEqual(["shop", "window_start", "total", "output_id"]);
    expect(names(tables.find(({ Name }) => Name === "sales")!)).toEqual([...names(raw), "event_date"]);
  });
});

describe("X8: the view over folders of days, in DuckDB", () => {
  let directory: string;
  let connection: DuckDBConnection;
  const rowsOf = async (sql: string) => (await connection.runAndReadAll(sql)).getRowObjectsJson();
  const row = (id: string, shop: string, windowStart: string) =>
    `{"output_id":"${id}",${sales.encode({ shop, windowStart: at(windowStart), total: 1 } as never).slice(1)}`;

  /** Files as Firehose writes them. */
  async function file(name: string, date: string, rows: readonly string[]): Promise<void> {
    const { parquet } = convertRecords([Buffer.from(rows.join("\n"))], {
      columns: [...sales.columns, { name: "output_id", type: "string" }],
      serDe: { kind: "hive", timestampFormats: ["millis"] },
      compression: "SNAPPY",
    });
    const folder = path.join(directory, `event_date=${date}`);
    await mkdir(folder, { recursive: true });
    await writeFile(path.join(folder, name), parquet!);
  }

  beforeAll(async () => {
    directory = await mkdtemp(path.join(tmpdir(), "millrace-dates-"));
    const [a, b, c] = [
      row("t@1#0", "a", "2001-01-01T01:00Z"),
      row("t@1#1", "a", "2001-01-01T01:00Z"),
      row("t@2#0", "b", "2001-01-02T01:00Z"),
    ];
    await file("1.parquet", "2001-01-01", [a, b, a]); // a repeat in one file
    await file("2.parquet", "2001-01-01", [b, a]); // and in another one
    await file("3.parquet", "2001-01-02", [c]);
    await file("4.parquet", "2001-01-02", [c]);
    await file("5.parquet", "2001-01-03", [row("t@3#0", "c", "2001-01-03T01:00Z")]);
    connection = await (await DuckDBInstance.create(":memory:")).connect();
    await connection.run("SET TimeZone = 'UTC'");
    await connection.run(
      `CREATE VIEW sales_raw AS SELECT * FROM read_parquet('${directory}/**/*.parquet', hive_partitioning = true, hive_types_autocast = false)`,
    );
    await connection.run(`CREATE VIEW sales AS ${viewSql(sales)}`);
  });

  afterAll(async () => {
    connection.closeSync();
    await rm(directory, { recursive: true });
  });

  test("shows each row once, and the day beside it", async () => {
    expect(await rowsOf("SELECT output_id, shop, event_date FROM sales ORDER BY 1")).toEqual([
      { output_id: "t@1#0", shop: "a", event_date: "2001-01-01" },
      { output_id: "t@1#1", shop: "a", event_date: "2001-01-01" },
      { output_id: "t@2#0", shop: "b", event_date: "2001-01-02" },
      { output_id: "t@3#0", shop: "c", event_date: "2001-01-03" },
    ]);
  });

  test("a row's repeats are in one folder, however often and in whatever record it is delivered", async () => {
    expect(
      await rowsOf("SELECT output_id FROM sales_raw GROUP BY output_id HAVING count(DISTINCT event_date) > 1"),
    ).toEqual([]);
    expect(await rowsOf("SELECT count(*)::INTEGER AS n FROM sales_raw")).toEqual([{ n: 8 }]);
  });

  test.each([
    ["a day", "event_date = '2001-01-02'", 2],
    ["days from one on", "event_date >= '2001-01-02'", 3],
    ["all of them", "true", 5],
  ])("a query for %s reads the files of these days alone", async (_, where, files) => {
    const [plan] = await rowsOf(`EXPLAIN ANALYZE SELECT count(*) FROM sales WHERE ${where}`);
    expect(JSON.stringify(plan)).toMatch(new RegExp(`Total Files Read: ${files}\\b`));
  });
});
