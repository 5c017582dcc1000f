import { readFileSync } from "node:fs";
import { parseArgs } from "node:util";
import { prices } from "../../lib/cdk/prices.ts";
import { assumptions } from "../bill/assumptions.ts";
import { morePrices } from "../bill/more-prices.ts";
import { table } from "../affinity/tables.ts";
import { packageVersions, writeResult } from "../harness/results.ts";
import { shown } from "../harness/statistics.ts";
import { say } from "../harness/work.ts";
import { POM, startDynamoDbLocal, type LocalDynamoDb } from "./dynamodb-local.ts";
import { batchesOf, checkHours, expectedHours, type Batch } from "./events.ts";
import { millrace } from "./millrace.ts";
import { positions } from "./positions.ts";
import { DESCRIPTION, powertools } from "./powertools.ts";
import { counted, Tally } from "./tally.ts";
import { mergedTransactions, transactions } from "./transactions.ts";
import type { MakeWay } from "./way.ts";

const SIZES = [10, 100, 1_000];
const SHARDS = [1, 4];

/** Per million events. */
export interface CostFigures {
  readonly way: string;
  readonly about: string;
  readonly shards: number;
  readonly batch: number;
  /** That were sent, for the figures of a million. */
  readonly events: number;
  readonly invocations: number;
  readonly dynamodbRequests: number;
  readonly writeUnits: number;
  readonly readUnits: number;
  readonly s3Puts: number;
  readonly s3Gets: number;
  readonly sqsRequests: number;
  /** MB that left and that came. */
  readonly megabytesOut: number;
  readonly megabytesIn: number;
  /** Seconds of this process's CPU: what the client does for it. */
  readonly cpu: number;
  /** Of requests and units, without what is kept. */
  readonly dollars: number;
  readonly requests: Readonly<Record<string, number>>;
}

export interface CostResult {
  readonly figures: readonly CostFigures[];
}

const NOT_MEASURED = [
  "Lambda's time: the emulator's latency is not DynamoDB's. Ways with a request or more a record wait for each of them.",
  "Delivering rows: Millrace closes windows and sends their rows, here to a sink in memory (Firehose takes about $0.002 a million events, by the bill below); the other ways keep a table of hours and close nothing.",
  "Kinesis, logs, and deletion by time to live, which is free of charge; what the others keep: markers and idempotency records for a day, the hours for ever.",
  "Containers that know an older state or none: docs/scale.md. Here every turn knows the head.",
  "Failures: each way was given its first batch twice to see that it counts once, and that is not in the figures.",
];

/** `npm run bench -- cost`: what it costs on AWS that events count exactly once. */
export async function cost(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      events: { type: "string", default: "10000" },
      batched: { type: "string", default: "100000" },
      write: { type: "boolean", default: true },
    },
    allowNegative: true,
  });
  // Each record of these takes the same, so that few are enough; of the others windows are to close, and states to change.
  const each = { makes: [powertools, transactions], events: Number(values.events) };
  const batched = { makes: [mergedTransactions, positions, millrace], events: Number(values.batched) };
  const database = await startDynamoDbLocal();
  const figures: CostFigures[] = [];
  try {
    for (const shards of SHARDS) {
      for (const batch of SIZES) {
        for (const { makes, events } of [each, batched])
          for (const make of makes) figures.push(await measured(database, make, events, shards, batch, figures.length));
      }
    }
  } finally {
    await database.stop();
  }
  const result: CostResult = { figures };
  const line = lineOf(result);
  console.log(`${costTable(result)}\n\n${timesTable(result)}\n\n${line}`);
  if (!values.write) return;
  const { dependencies } = JSON.parse(readFileSync(DESCRIPTION, "utf8")) as { dependencies: Record<string, string> };
  const versions = {
    ...packageVersions("@aws-sdk/client-dynamodb"),
    "@aws-lambda-powertools/idempotency": dependencies["@aws-lambda-powertools/idempotency"]!,
    "DynamoDB Local": /DynamoDBLocal<\/artifactId><version>([^<]+)/.exec(readFileSync(POM, "utf8"))![1]!,
  };
  await writeResult("cost", { figures: result, notMeasured: NOT_MEASURED, line, versions });
}

async function measured(
  database: LocalDynamoDb,
  make: MakeWay,
  events: number,
  shards: number,
  batch: number,
  n: number,
): Promise<CostFigures> {
  await proveExactness(database, make, n);
  let tally = new Tally();
  const client = counted(database.client(), () => tally);
  const uncounted = database.client();
  try {
    const way = await make({ client, uncounted, tally: () => tally, run: String(n) });
    say(`${way.name}: ${shards} shards, ${batch} records a batch`);
    const batches = await batchesOf(events, shards, batch);
    const before = process.cpuUsage();
    for (const one of batches) await way.take(one);
    const { user, system } = process.cpuUsage(before);
    const used = tally;
    tally = new Tally(); // what follows does not count
    checkHours(way.name, expectedHours(batches), await way.hours());
    return figuresOf(way, { shards, batch, events, invocations: batches.length, cpu: (user + system) / 1e6 }, used);
  } finally {
    client.destroy();
    uncounted.destroy();
  }
}

/** A way that would count a batch twice is not compared; nor is one of which something wrong is said. */
async function proveExactness(database: LocalDynamoDb, make: MakeWay, n: number): Promise<void> {
  const client = database.client();
  const batches = await batchesOf(200, 1, 100);
  const expected = expectedHours(batches);
  const after = async (name: string, given: readonly Batch[]) => {
    const way = await make({ client, uncounted: client, tally: () => new Tally(), run: `${name}-${n}` });
    for (const one of given) await way.take(one);
    return { way, hours: await way.hours() };
  };
  const again = await after("again", [batches[0]!, ...batches]);
  checkHours(`${again.way.name}, its first batch given twice`, expected, again.hours);
  const { way, hours } = await after("cut", [batches[0]!, ...(await batchesOf(200, 1, 150))]);
  const check = () => checkHours(`${way.name}, its first batch given again in a larger one`, expected, hours);
  if (way.isExactHoweverCut) check();
  else if (!throws(check)) throw new Error(`${way.name} is right although a batch was cut otherwise.`);
  client.destroy();
}

function throws(work: () => void): boolean {
  try {
    work();
    return false;
  } catch {
    return true;
  }
}

function figuresOf(
  { name, about }: { readonly name: string; readonly about: string },
  run: {
    readonly shards: number;
    readonly batch: number;
    readonly events: number;
    readonly invocations: number;
    readonly cpu: number;
  },
  tally: Tally,
): CostFigures {
  const perMillion = (amount: number) => (amount * 1_000_000) / run.events;
  const s3Puts = perMillion(tally.of("s3 PutObject"));
  const s3Gets = perMillion(tally.of("s3 GetObject"));
  const sqsRequests = perMillion(tally.of("sqs SendMessageBatch"));
  const [writeUnits, readUnits] = [perMillion(tally.writeUnits), perMillion(tally.readUnits)];
  const invocations = perMillion(run.invocations);
  const figures = {
    way: name,
    about,
    shards: run.shards,
    batch: run.batch,
    events: run.events,
    invocations,
    dynamodbRequests: perMillion(tally.dynamodbRequests),
    writeUnits,
    readUnits,
    s3Puts,
    s3Gets,
    sqsRequests,
    megabytesOut: perMillion(tally.bytesOut) / 1e6,
    megabytesIn: perMillion(tally.bytesIn) / 1e6,
    cpu: perMillion(run.cpu),
    dollars: 0,
    requests: Object.fromEntries([...tally.requests].map(([request, n]) => [request, perMillion(n)])),
  };
  const others = sqsRequests * prices.sqsRequest.dollars + invocations * prices.lambdaRequest.dollars;
  return { ...figures, dollars: requestDollars(figures) + others / 1_000_000 };
}

const COLUMNS = [
  "shards, records a batch",
  "way",
  "DynamoDB requests",
  "write units",
  "read units",
  "S3 PUTs",
  "S3 GETs",
  "SQS",
  "MB out",
  "MB in",
  "client CPU s",
  "kept, dollars",
  "dollars",
];

const whole = (n: number): string => Math.round(n).toLocaleString("en-US");

/** All per million events. */
export const costTable = ({ figures }: CostResult): string =>
  table(
    COLUMNS,
    figures.map((one) => [
      `${one.shards}, ${whole(one.batch)}`,
      one.way,
      ...[one.dynamodbRequests, one.writeUnits, one.readUnits, one.s3Puts, one.s3Gets, one.sqsRequests].map(whole),
      ...[one.megabytesOut, one.megabytesIn, one.cpu].map(shown),
      one.way === MILLRACE ? keptDollars(one).toFixed(4) : "",
      allDollars(one).toFixed(4),
    ]),
  );

/** What the stores alone take of it: DynamoDB and S3, with what is kept there. */
export const storeDollars = (figures: CostFigures): number => requestDollars(figures) + keptDollars(figures);

/** With SQS and Lambda's requests. */
const allDollars = (figures: CostFigures): number => figures.dollars + keptDollars(figures);

/**
 * Commits are in the changelog for a month, which can be put back to any time: as large as their writes are billed.
 * Markers and idempotency records of the other ways expire within a day, and are left out.
 */
export const keptDollars = ({ way, writeUnits, requests }: CostFigures): number =>
  way === MILLRACE
    ? (((writeUnits - (requests["dynamodb UpdateItem"] ?? 0)) * 1_024) / 2 ** 30) *
      (assumptions.commitDays.value / 30) *
      (morePrices.dynamodbStorage.dollars + morePrices.dynamodbBackup.dollars)
    : 0;

const MILLRACE = "Millrace";

type Requests = Pick<CostFigures, "writeUnits" | "readUnits" | "s3Puts" | "s3Gets">;

const requestDollars = ({ writeUnits, readUnits, s3Puts, s3Gets }: Requests): number =>
  (writeUnits * prices.dynamodbWrite.dollars + readUnits * prices.dynamodbRead.dollars) / 1_000_000 +
  (s3Puts * prices.s3Put.dollars + s3Gets * prices.s3Get.dollars) / 1_000;

const OTHERS = [
  "Powertools idempotency",
  "TransactWriteItems, a record",
  "TransactWriteItems, merged",
  "UpdateItem, merged",
] as const;

type Dollars = (figures: CostFigures) => number;

/** How many times Millrace's dollars another way takes. */
function timesMillrace({ figures }: CostResult, dollars: Dollars, way: string, batch: number, shards: number): number {
  const of = (name: string) =>
    dollars(figures.find((one) => one.way === name && one.batch === batch && one.shards === shards)!);
  return of(way) / of(MILLRACE);
}

/** DynamoDB and S3 of other ways as times Millrace's, on one shard and on several: without what is kept, and with it. */
export const timesTable = (result: CostResult): string =>
  table(
    ["records a batch", ...SIZES.flatMap((batch) => SHARDS.map((shards) => `${whole(batch)}, ${shardsText(shards)}`))],
    [["requests", requestDollars] as const, ["with what is kept", storeDollars] as const].flatMap(([what, dollars]) =>
      OTHERS.map((way) => [
        `${way}: ${what}`,
        ...SIZES.flatMap((batch) =>
          SHARDS.map((shards) => `${shown(timesMillrace(result, dollars, way, batch, shards))} x`),
        ),
      ]),
    ),
  );

const shardsText = (shards: number): string => (shards === 1 ? "1 shard" : `${shards} shards`);

function lineOf(result: CostResult): string {
  const times = (way: (typeof OTHERS)[number], dollars: Dollars) =>
    SIZES.toReversed()
      .map((batch) => `${shown(timesMillrace(result, dollars, way, batch, 1))} x at ${whole(batch)}`)
      .join(", ");
  const both = (way: (typeof OTHERS)[number]) =>
    `${times(way, requestDollars)} (with what Millrace keeps ${times(way, storeDollars)})`;
  return `DynamoDB and S3 as times Millrace's, on one shard, by records a batch: Powertools idempotency ${both(OTHERS[0])}; an update for each hour by hand ${both(OTHERS[3])}`;
}
