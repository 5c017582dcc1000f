import { readFileSync } from "node:fs";
import type { FirehoseClient, PutRecordBatchCommand } from "@aws-sdk/client-firehose";
import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { Producer, type PutRecord } from "millrace/producer";
import flightDelays, { departures, hourlyDelays } from "../../functions/aggregate-flight-delays/pipeline.ts";
import type { Departure } from "../../functions/aggregate-flight-delays/schemas.ts";
import { FirehoseWriter } from "../../lib/connectors/firehose/deliver.ts";
import { recordsByShard } from "../../lib/connectors/kinesis/event.ts";
import { parseEvent } from "../../lib/connectors/kinesis/unparsed-event.ts";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { startDynamoDb } from "../../localstack/dynamodb/dynamodb-emulator.ts";
import { countedObjects } from "../cost/counted-objects.ts";
import { makeTable } from "../cost/dynamodb-local.ts";
import { counted, Tally } from "../cost/tally.ts";
import { departuresIn, STREAM_ARN } from "../engine/data.ts";
import { oneTask, SHARD } from "../harness/one-task.ts";
import { emptyDirectory, say } from "../harness/work.ts";
import type { Shape, TurnFigures } from "./measured.ts";

/** Firehose bills every record as a multiple of so many bytes. */
const FIREHOSE_STEP = 5 * 1_024;

/** Events of a turn, and how many turns are measured; as many events are given before, unmeasured. */
const SIZES = [
  { name: "single", events: 1, turns: 300 },
  { name: "single", events: 10, turns: 300 },
  { name: "single", events: 100, turns: 200 },
  { name: "single", events: 1_000, turns: 60 },
  { name: "single", events: 8_000, turns: 15 },
  { name: "packed", events: 1, turns: 300 },
  { name: "packed", events: 500, turns: 100 },
  { name: "packed", events: 5_000, turns: 20 },
  { name: "packed", events: 50_000, turns: 4 },
] as const;

const WARM_UP = 20_000;

/** Puts events as both shapes have them, and gives them to a task in batches of several sizes. */
export async function measureShapes(): Promise<{
  readonly single: Shape;
  readonly packed: Shape;
  readonly eventBytes: number;
}> {
  const events = await payloads(WARM_UP + 400_000);
  const emulator = await startDynamoDb(emptyDirectory("bill-dynamodb"), (text) => say(text));
  const turnsOf = async (name: Shape["name"]) => {
    const turns: TurnFigures[] = [];
    for (const size of SIZES.filter((one) => one.name === name)) {
      say(`${name}: ${size.events} events a turn`);
      const records = await recordsOf(name, events.slice(0, WARM_UP + size.events * size.turns * 2), size.events);
      turns.push(await measured(emulator.port, records, size, `${name}-${size.events}`));
    }
    return turns;
  };
  try {
    const sample = events.slice(0, 100_000);
    const [single, packed] = [await recordsOf("single", sample, 1), await recordsOf("packed", sample, 100_000)];
    return {
      single: { ...shapeOf("single", single, sample.length), turns: await turnsOf("single") },
      packed: { ...shapeOf("packed", packed, sample.length), turns: await turnsOf("packed") },
      eventBytes: sample.reduce((sum, text) => sum + Buffer.byteLength(text), 0) / sample.length,
    };
  } finally {
    await emulator.stop();
  }
}

async function payloads(count: number): Promise<readonly string[]> {
  const { text } = await departuresIn(count);
  return readFileSync(text, "utf8").trimEnd().split("\n");
}

/** Records, in batches that end where a turn's events do. */
type Batches = readonly (readonly PutRecord[])[];

async function recordsOf(name: Shape["name"], events: readonly string[], perTurn: number): Promise<Batches> {
  const batches: PutRecord[][] = [];
  for (let from = 0; from < events.length; from += perTurn) {
    const part = events.slice(from, from + perTurn).map((text) => JSON.parse(text) as Departure);
    batches.push(name === "single" ? part.map(single) : await packed(part));
  }
  return batches;
}

const single = (event: Departure): PutRecord => ({
  data: Buffer.from(JSON.stringify(event)),
  partitionKey: event.origin,
});

/** By the producer's library, as it is set up by default. */
async function packed(events: readonly Departure[]): Promise<PutRecord[]> {
  const records: PutRecord[] = [];
  const producer = new Producer(departures, {
    transport: {
      shards: async () => [{ id: SHARD, range: WHOLE_RANGE, isOpen: true }],
      put: async (all) => {
        records.push(...all);
        return all.map((_, i) => ({ shardId: SHARD, sequenceNumber: String(records.length + i) }));
      },
    },
    now: () => 0,
    random: () => 0,
    schedule: () => undefined,
    newKey: () => "0",
  });
  const sent = events.map((event) => producer.send(event));
  await producer.flush();
  await Promise.all(sent);
  return records;
}

const PUT_UNIT = 25 * 1_024;

function shapeOf(name: Shape["name"], batches: Batches, events: number): Omit<Shape, "turns"> {
  const sizes = batches.flat().map(({ data, partitionKey }) => data.length + Buffer.byteLength(partitionKey));
  const sum = (numbers: readonly number[]) => numbers.reduce((total, one) => total + one, 0);
  return {
    name,
    eventsPerRecord: events / sizes.length,
    recordBytes: sum(sizes) / sizes.length,
    putUnitsPerEvent: sum(sizes.map((bytes) => Math.ceil(bytes / PUT_UNIT))) / events,
  };
}

async function measured(
  port: number,
  batches: Batches,
  { events, turns }: { readonly events: number; readonly turns: number },
  run: string,
): Promise<TurnFigures> {
  const client = new DynamoDBClient({
    endpoint: `http://127.0.0.1:${port}`,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  let tally = new Tally();
  let kilobytes = 0;
  const table = `bill-${run}`;
  await makeTable(client, table, { task: "S", epoch: "N" });
  const send = async ({ input }: PutRecordBatchCommand) => {
    for (const { Data } of input.Records!)
      kilobytes += (Math.ceil(Data!.length / FIREHOSE_STEP) * FIREHOSE_STEP) / 1_024;
    return { FailedPutCount: 0 };
  };
  const reports: TurnReport[] = [];
  const runtime = oneTask(flightDelays, {
    changelog: new DynamoChangelog(
      counted(client, () => tally),
      table,
    ),
    objects: countedObjects(() => tally),
    // Both lakes are set up alike.
    sink: new FirehoseWriter({
      client: { send } as unknown as FirehoseClient,
      lake: hourlyDelays,
      deliveryStream: "lake",
      wait: async () => {},
    }),
    onTurn: (report) => reports.push(report),
  });
  let sequence = 0;
  const texts = batches.map((batch) => lambdaEvent(batch, () => ++sequence));
  const give = async (text: string) => {
    const event = parseEvent(text, (whole) => JSON.parse(whole)) as { readonly Records: readonly unknown[] };
    for (const { partition, records } of recordsByShard(event, STREAM_ARN)) await runtime.records(partition, records);
  };
  for (const text of texts.slice(0, -turns)) await give(text);
  const before = reports.length;
  tally = new Tally();
  kilobytes = 0;
  const cpuBefore = process.cpuUsage();
  for (const text of texts.slice(-turns)) await give(text);
  const { user, system } = process.cpuUsage(cpuBefore);
  const told = reports.slice(before);
  const n = told.length;
  if (n !== turns) throw new Error(`${n} turns of ${turns} were told of.`);
  client.destroy();
  return {
    events,
    cpuMillis: (user + system) / 1_000 / n,
    writeUnits: tally.writeUnits / n,
    readUnits: tally.readUnits / n,
    s3Puts: tally.of("s3 PutObject") / n,
    s3Gets: tally.of("s3 GetObject") / n,
    sqsRequests: 0, // ticks are the bill's own line
    firehoseKilobytes: kilobytes / n,
    tableBytes: bytesOf(told, false) / n,
    spilledBytes: bytesOf(told, true) / n,
  };
}

const bytesOf = (reports: readonly TurnReport[], spilled: boolean): number =>
  reports.reduce((sum, report) => sum + (report.spilled === spilled ? report.commitBytes : 0), 0);

/** An event as AWS documents it ("Using Lambda with Kinesis"). */
function lambdaEvent(batch: readonly PutRecord[], next: () => number): string {
  return JSON.stringify({
    Records: batch.map(({ data, partitionKey }) => {
      const sequenceNumber = `4957${String(next()).padStart(52, "0")}`;
      return {
        kinesis: {
          kinesisSchemaVersion: "1.0",
          partitionKey,
          sequenceNumber,
          data: data.toString("base64"),
          approximateArrivalTimestamp: Date.UTC(2026, 0, 1) / 1_000,
        },
        eventSource: "aws:kinesis",
        eventVersion: "1.0",
        eventID: `${SHARD}:${sequenceNumber}`,
        eventName: "aws:kinesis:record",
        invokeIdentityArn: "arn:aws:iam::000000000000:role/flight-delays",
        awsRegion: "us-east-1",
        eventSourceARN: STREAM_ARN,
      };
    }),
  });
}
