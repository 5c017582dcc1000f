import { statSync } from "node:fs";
import { fileURLToPath } from "node:url";
import { FirehoseClient } from "@aws-sdk/client-firehose";
import { S3Client } from "@aws-sdk/client-s3";
import { DuckDBInstance, type DuckDBConnection } from "@duckdb/node-api";
import { Code } from "aws-cdk-lib/aws-lambda";
import { bigint, day, double, kinesis, lake, pipeline, text, timestamp } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { z } from "zod";
import { compactLake } from "../../lib/connectors/firehose/compaction/compact.ts";
import { S3LakeFiles } from "../../lib/connectors/firehose/compaction/s3-files.ts";
import { FirehoseWriter } from "../../lib/connectors/firehose/deliver.ts";
import { viewSql } from "../../lib/connectors/firehose/view.ts";
import { Live } from "../end-to-end/live.ts";
import { HOUR } from "./files.ts";

const flights = lake(
  "flights",
  { origin: text, destination: text, departedAt: timestamp, delay: double, distance: bigint },
  { partitionBy: day("departedAt", { from: "2001-01-01" }) },
);
const source = kinesis("departures", {
  schema: z.object({
    origin: z.string(),
    destination: z.string(),
    departedAt: z.number(),
    delay: z.number(),
    distance: z.number(),
  }),
  eventTime: (flight) => flight.departedAt,
  disorder: { hours: 5 },
});
const delivered = pipeline("delivered", (flow) => {
  flow.from(source).to(flights);
});

const FLIGHTS = fileURLToPath(new URL("../../node_modules/vega-datasets/data/flights-3m.parquet", import.meta.url));
const ROWS = 30_000;
const FILES = 12;

let live: Live;
let database: DuckDBConnection;
const region = { region: "us-east-1", credentials: { accessKeyId: "local", secretAccessKey: "local" } };
const files = () => live.stack.objectFiles(bucket(), "data/flights/");
const output = (end: string) => Object.entries(live.stack.outputs).find(([name]) => name.includes(end))![1];
const bucket = () => output("LakeBucket");

beforeAll(async () => {
  live = await Live.start(delivered, "unused.ts", {
    props: { code: Code.fromInline("exports.handler = async () => ({});"), lakes: { compaction: {} } },
  });
  database = await (await DuckDBInstance.create(":memory:")).connect();
}, 60_000);

afterAll(async () => {
  database.closeSync();
  await live.stop();
});

/** Sends flights as a stage does, file by file, a part of them twice. */
async function deliver(): Promise<void> {
  const read = await database.runAndReadAll(
    `SELECT origin, destination, epoch_ms(date)::DOUBLE AS at, delay::DOUBLE AS delay, distance::DOUBLE AS distance FROM read_parquet('${FLIGHTS}') LIMIT ${ROWS}`,
  );
  const rows = read.getRowObjectsJson();
  const deliveries = rows.map((row, n) => ({
    id: `t@${n}#0`,
    body: flights.encode({
      origin: row["origin"],
      destination: row["destination"],
      departedAt: row["at"],
      delay: row["delay"],
      distance: row["distance"],
    } as never),
  }));
  const writer = new FirehoseWriter({
    client: new FirehoseClient({ ...region, endpoint: live.stack.endpoints.firehose }),
    lake: flights,
    deliveryStream: output("LakeFlightsDeliveryStream"),
    wait: () => Promise.resolve(),
  });
  const part = Math.ceil(ROWS / FILES);
  for (let from = 0; from < ROWS; from += part) {
    await writer.deliver(deliveries.slice(Math.max(from - 200, 0), from + part));
    await live.stack.flushDeliveryStreams();
  }
}

/** What the view shows, and what is below it. */
async function lakeNow() {
  const paths = await files();
  await database.run(
    `CREATE OR REPLACE VIEW flights_raw AS SELECT * FROM read_parquet([${paths.map((path) => `'${path}'`).join()}], hive_partitioning = true, hive_types_autocast = false)`,
  );
  await database.run(`CREATE OR REPLACE VIEW flights AS ${viewSql(flights)}`);
  const [row] = (
    await database.runAndReadAll(
      `SELECT (SELECT count(*) FROM flights_raw)::INTEGER AS raw, count(*)::INTEGER AS shown, bit_xor(hash(f))::VARCHAR AS content FROM flights f`,
    )
  ).getRowObjectsJson();
  return {
    files: paths.length,
    bytes: paths.reduce((sum, path) => sum + statSync(path).size, 0),
    ...(row as { raw: number; shown: number; content: string }),
  };
}

test("the flights' lake is compacted by the deployed function, row for row", { timeout: 120_000 }, async () => {
  await deliver();
  const before = await lakeNow();
  expect(before.shown).toBe(ROWS);
  expect(before.raw).toBeGreaterThan(ROWS);
  expect(before.files).toBeGreaterThanOrEqual(FILES);

  await live.stack.runSchedules();
  const merged = await lakeNow();
  expect(merged.files).toBeGreaterThan(before.files);
  expect(merged).toMatchObject({ shown: ROWS, content: before.content });

  // Hours later. A function has no other clock than the machine's: so the same code is run here, on the stack's S3.
  const client = new S3Client({ ...region, endpoint: live.stack.endpoints.s3, forcePathStyle: true });
  await compactLake(
    { name: "flights", prefix: "data/flights/", columns: flights.columns },
    {
      files: new S3LakeFiles(client, bucket()),
      now: () => Date.now() + 5 * HOUR,
      hasTime: () => true,
      log: () => undefined,
      closedAfterMillis: 6 * HOUR,
      largest: 128 * 1_024 * 1_024,
    },
  );
  const after = await lakeNow();
  const days = new Set((await files()).map((path) => /event_date=([-\d]+)/.exec(path)![1]));
  expect(after).toMatchObject({ files: days.size, raw: ROWS, shown: ROWS, content: before.content });
  expect(after.bytes).toBeLessThan(before.bytes);
});
