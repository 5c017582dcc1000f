import { closeSync, existsSync, openSync, readFileSync, renameSync, writeSync } from "node:fs";
import path from "node:path";
import { prepareDepartures } from "../../functions/aggregate-flight-delays/demo/prepare.ts";
import { Database, literal } from "../../localstack/start/database.ts";
import { say, workDirectory } from "../harness/work.ts";

/** Events of one batch: what a mapping gives to a turn. */
export const BATCH = 1_000;

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
}

/** Makes the first departures of vega-datasets' file, in its order: a prefix of any larger number of them. */
export async function departuresIn(count: number): Promise<Departures> {
  const directory = workDirectory("data");
  const text = path.join(directory, `departures-${count}.ndjson`);
  const enveloped = path.join(directory, `departures-${count}.lambda.ndjson`);
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
  if (!existsSync(enveloped)) {
    writeEvents(text, `${enveloped}.part`);
    renameSync(`${enveloped}.part`, enveloped);
  }
  return { count, text, enveloped };
}

function writeEvents(text: string, file: string): void {
  const lines = readFileSync(text, "utf8").trimEnd().split("\n");
  const descriptor = openSync(file, "w");
  for (let from = 0; from < lines.length; from += BATCH) {
    const records = lines.slice(from, from + BATCH).map((line, i) => recordOf(line, from + i));
    writeSync(descriptor, `${JSON.stringify({ Records: records })}\n`);
  }
  closeSync(descriptor);
}

/** As AWS documents the event ("Using Lambda with Kinesis"): 56 digits of sequence, the partition key beside the data. */
function recordOf(payload: string, n: number): unknown {
  const { origin } = JSON.parse(payload) as { origin: string };
  const sequenceNumber = `4957${String(n).padStart(52, "0")}`;
  return {
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: origin,
      sequenceNumber,
      data: Buffer.from(payload).toString("base64"),
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
