import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import { prepareDepartures } from "../../functions/aggregate-flight-delays/demo/prepare.ts";
import { encodePack } from "../../lib/connectors/kinesis/pack.ts";
import { Database, literal } from "../../localstack/start/database.ts";
import { say, workDirectory } from "../harness/work.ts";

/** Events of one batch: what a mapping gives to a turn. */
export const BATCH = 1_000;

/** Departures of a packed record. */
export const PACKED = 50;

/** What a mapping of its defaults gives at once of a backlog: so many records, within what an invocation may carry. */
const FULL_BATCH = { records: 1_000, bytes: 6_000_000 };

/** When the first record arrives, epoch milliseconds: long after the departures, all of which are of 2001. */
const ARRIVAL = Date.UTC(2026, 0, 1);

export const STREAM_ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/departures";

/** The same departures in the shapes that engines read. */
export interface Departures {
  readonly count: number;
  /** One JSON payload a line. */
  readonly text: string;
  /** One Lambda event a line, as a Kinesis mapping sends it: a record for each departure. */
  readonly enveloped: string;
  /** The same with departures packed in records, {@link PACKED} in each. */
  readonly packed: string;
  /** The same, in events as large as a mapping makes them of a backlog. */
  readonly backlog: string;
}

/** Makes the first departures of vega-datasets' file, in its order: a prefix of any larger number of them. */
export async function departuresIn(count: number): Promise<Departures> {
  const directory = workDirectory("data");
  const text = path.join(directory, `departures-${count}.ndjson`);
  const enveloped = path.join(directory, `departures-${count}.lambda.ndjson`);
  const packed = path.join(directory, `departures-${count}.packed.ndjson`);
  const backlog = path.join(directory, `departures-${count}.backlog.ndjson`);
  if (!existsSync(text)) {
    say(`making ${count} departures`);
    const database = await Database.open(directory);
    const prepared = path.join(directory, `prepared-${count}.parquet`);
    await prepareDepartures(database, count, prepared);
    await database.run(`COPY (
        SELECT origin, destination, departed_at AS "departedAt", delay, distance FROM read_parquet(${literal(prepared)}) ORDER BY n
      ) TO ${literal(`${text}.part`)} (FORMAT json)`);
    database.close();
    renameSync(`${text}.part`, text);
  }
  for (const [file, size, most] of [
    [enveloped, 1, { records: BATCH, bytes: FULL_BATCH.bytes }],
    [packed, PACKED, { records: BATCH / PACKED, bytes: FULL_BATCH.bytes }],
    [backlog, PACKED, FULL_BATCH],
  ] as const) {
    if (existsSync(file)) continue;
    writeEvents(text, `${file}.part`, size, most);
    renameSync(`${file}.part`, file);
  }
  return { count, text, enveloped, packed, backlog };
}

/** @param size departures of a record @param most of an event */
function writeEvents(text: string, file: string, size: number, most: typeof FULL_BATCH): void {
  const lines = readFileSync(text, "utf8").trimEnd().split("\n");
  const descriptor = openSync(file, "w");
  let records: string[] = [];
  let bytes = 0;
  const end = () => {
    if (records.length > 0) writeSync(descriptor, `{"Records":[${records.join()}]}\n`);
    records = [];
    bytes = 0;
  };
  for (let at = 0; at < lines.length; at += size) {
    const record = JSON.stringify(recordOf(lines.slice(at, at + size), at));
    if (records.length === most.records || bytes + record.length > most.bytes) end();
    records.push(record);
    bytes += record.length + 1;
  }
  end();
  closeSync(descriptor);
}

/** As AWS documents the event ("Using Lambda with Kinesis"): 56 digits of sequence, the partition key beside the data. */
function recordOf(payloads: readonly string[], n: number): unknown {
  const { origin } = JSON.parse(payloads[0]!) as { origin: string };
  const data = payloads.length === 1 ? Buffer.from(payloads[0]!) : encodePack(payloads);
  const sequenceNumber = `4957${String(n).padStart(52, "0")}`;
  return {
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: origin,
      sequenceNumber,
      data: data.toString("base64"),
      approximateArrivalTimestamp: (ARRIVAL + n) / 1_000,
    },
    eventSource: "aws:kinesis",
    eventVersion: "1.0",
    eventID: `shardId-000000000000:${sequenceNumber}`,
    eventName: "aws:kinesis:record",
    invokeIdentityArn: "arn:aws:iam::000000000000:role/flight-delays",
    awsRegion: "us-east-1",
    eventSourceARN: STREAM_ARN,
  };
}
