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
}

/** Makes the first departures of vega-datasets' file, in its order: a prefix of any larger number of them. */
export async function departuresIn(count: number): Promise<Departures> {
  const directory = workDirectory("data");
  const text = path.join(directory, `departures-${count}.ndjson`);
  const enveloped = path.join(directory, `departures-${count}.lambda.ndjson`);
  const packed = path.join(directory, `departures-${count}.packed.ndjson`);
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
  for (const [file, size] of [
    [enveloped, 1],
    [packed, PACKED],
  ] as const) {
    if (existsSync(file)) continue;
    writeEvents(text, `${file}.part`, size);
    renameSync(`${file}.part`, file);
  }
  return { count, text, enveloped, packed };
}

/** @param size departures of a record */
function writeEvents(text: string, file: string, size: number): void {
  const lines = readFileSync(text, "utf8").trimEnd().split("\n");
  const descriptor = openSync(file, "w");
  for (let from = 0; from < lines.length; from += BATCH) {
    const records: unknown[] = [];
    for (let at = from; at < Math.min(from + BATCH, lines.length); at += size)
      records.push(recordOf(lines.slice(at, Math.min(at + size, from + BATCH)), at));
    writeSync(descriptor, `${JSON.stringify({ Records: records })}\n`);
  }
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
