import { parseArgs } from "node:util";
import { table, whole } from "../affinity/tables.ts";
import type { EngineResult } from "../engine/engine.ts";
import { readResult, packageVersions, writeResult } from "../harness/results.ts";
import { median } from "../harness/statistics.ts";
import { logPlot } from "../harness/plot.ts";
import { logBytesOf, type LocalResult } from "../local/local.ts";
import { assumptions, type Assumption } from "./assumptions.ts";
import { measureShapes } from "./measure.ts";
import type { Measured, Shape } from "./measured.ts";
import { millraceBill, totalOf, type Bill, type Deployed } from "./millrace-bill.ts";
import { morePrices } from "./more-prices.ts";
import { flinkBill, flockDollars, kafkaStreamsBill } from "./peer-bills.ts";

export interface BillResult {
  readonly measured: Measured;
}

/** Events a second that the table has. */
const RATES = [1, 10, 100, 1_000, 10_000, 100_000] as const;
const STEPS = 50;

const DEFAULT: Deployed = { packed: false, window: 5, batchSize: 1_000, linger: 0, logs: true };
const THRIFTY: Deployed = { packed: true, window: 30, batchSize: 10_000, linger: 1, logs: false };

interface Way {
  readonly name: string;
  readonly about: string;
  readonly colour: string;
  readonly bill: (measured: Measured, rate: number) => Bill;
}

const WAYS: readonly Way[] = [
  {
    name: "Millrace, as it is by default",
    about: "an event a record, batches of five seconds or 1,000 records, a line of logs a turn",
    colour: "#c2410c",
    bill: (measured, rate) => millraceBill(measured, DEFAULT, rate),
  },
  {
    name: "Millrace, packed and patient",
    about: "up to 500 events a record, batches of thirty seconds, logs of warnings alone",
    colour: "#15803d",
    bill: (measured, rate) => millraceBill(measured, THRIFTY, rate),
  },
  {
    name: "Managed Flink, an event a record",
    about: "on the same Kinesis stream, files to S3 by itself",
    colour: "#1d4ed8",
    bill: (measured, rate) => flinkBill(measured, false, rate),
  },
  {
    name: "Managed Flink, packed",
    about: "the same, with the packed stream",
    colour: "#60a5fa",
    bill: (measured, rate) => flinkBill(measured, true, rate),
  },
  {
    name: "Kafka Streams on Fargate, MSK",
    about: "three brokers; its rows end in a topic",
    colour: "#7c3aed",
    bill: kafkaStreamsBill,
  },
];

const FLOCK = "flock, by its own claim";

const NOT_MEASURED = [
  "A bill of AWS: it is computed of what was counted on emulators, published prices and the assumptions in the table.",
  "Loads that change: all are taken to be constant. What is provisioned is paid for the peak, and Lambda for what comes; so a load with peaks favours Millrace.",
  "Flock was not run: its paper says 10 to 20 times cheaper than Flink. Its abstract says that it needs no external storage: what is kept when a function fails was not looked at.",
  "Storage on S3 and in DynamoDB, Glue, keys of one's own, networks, people. The job keeps a few KB of state a shard.",
  "Rows are in proportion to events, 0.14 for each, as in the data. At large rates usual jobs have fewer, and Firehose costs less.",
  "Savings plans, reserved capacity and volume discounts, which favour what is provisioned.",
];

/** `npm run bench -- bill`: what the flights job costs in a month, beside what one would use instead. */
export async function bill(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    // Without measuring turns are those of the last result.
    options: { write: { type: "boolean", default: true }, measure: { type: "boolean", default: true } },
    allowNegative: true,
  });
  const last = values.measure ? undefined : readResult<BillResult>("bill")?.figures.measured;
  const result: BillResult = { measured: withOthers(last ?? (await measureShapes())) };
  const line = lineOf(result);
  console.log(`${billTable(result)}\n\n${partsTable(result)}\n\n${cheaperText(result)}\n\n${line}`);
  if (!values.write) return;
  await writeResult("bill", {
    figures: result,
    notMeasured: NOT_MEASURED,
    line,
    versions: packageVersions("dynalite"),
  });
}

/** The engines' CPU and functions' logs are of the last runs of those comparisons. */
function withOthers(shapes: Omit<Measured, "logBytes" | "flinkCpu" | "kafkaStreamsCpu">): Measured {
  const [engine, local] = [readResult<EngineResult>("engine"), readResult<LocalResult>("local")];
  if (engine === undefined || local === undefined)
    throw new Error("Measure these first: npm run bench -- engine, npm run bench -- local.");
  const cpuOf = (name: string) => median(engine.figures.subjects.find((one) => one.name === name)!.perMillion);
  return {
    ...shapes,
    logBytes: logBytesOf(local.figures),
    flinkCpu: cpuOf("Flink"),
    kafkaStreamsCpu: cpuOf("Kafka Streams"),
  };
}

const dollars = (n: number): string => (n < 100 ? n.toFixed(2) : whole(n));

/** Dollars a month at each rate. */
export const billTable = ({ measured }: BillResult): string =>
  table(
    ["dollars a month, at events a second", ...RATES.map(whole)],
    [
      ...WAYS.map((way) => [way.name, ...RATES.map((rate) => dollars(totalOf(way.bill(measured, rate))))]),
      [FLOCK, ...RATES.map((rate) => flockDollars(measured, rate).map(dollars).join(" to "))],
    ],
  );

/** What Millrace's dollars are for. */
export function partsTable({ measured }: BillResult): string {
  const rows = WAYS.slice(0, 2).flatMap((way) => {
    const bills = RATES.map((rate) => way.bill(measured, rate));
    return Object.keys(bills[0]!).map((part) => [
      `${way.name.replace("Millrace, ", "")}: ${part}`,
      ...bills.map((one) => dollars(one[part]!)),
    ]);
  });
  return table(["dollars a month, at events a second", ...RATES.map(whole)], rows);
}

/** What a bill is made of that was measured. */
export function turnsTable({ measured }: BillResult): string {
  const rows = (shape: Shape) =>
    shape.turns.map((one) => [
      `${shape.name}, ${whole(one.events)} events`,
      one.cpuMillis.toFixed(1),
      ...[one.writeUnits, one.readUnits, one.s3Puts].map((n) => n.toFixed(2)),
      one.firehoseKilobytes.toFixed(1),
    ]);
  return table(
    ["a turn", "CPU ms", "write units", "read units", "S3 PUTs", "Firehose KB"],
    [...rows(measured.single), ...rows(measured.packed)],
  );
}

export const assumptionsTable = (): string =>
  table(
    ["assumed", "value", "unit"],
    Object.values(assumptions).map(({ about, value, unit }: Assumption) => [
      about,
      value.toLocaleString("en-US", { maximumFractionDigits: 2 }),
      unit,
    ]),
  );

export const pricesTable = (): string =>
  table(
    ["a price that is not in lib/cdk/prices.ts, per", "dollars", "from"],
    Object.values(morePrices).map(({ per, dollars: price, source }) => [per, String(price), source]),
  );

export const waysList = (): readonly { readonly name: string; readonly about: string }[] => WAYS;

const rates = Array.from({ length: STEPS * 5 + 1 }, (_, i) => 10 ** (i / STEPS));

/** Rates from which on Millrace, in a way, is dearer than another and stays so; none where it never is. */
export function dearerFrom(measured: Measured, own: Way["bill"], other: Way["bill"]): number | undefined {
  const isDearer = (rate: number) => totalOf(own(measured, rate)) > totalOf(other(measured, rate));
  const last = rates.findLastIndex((rate) => !isDearer(rate));
  return rates[last + 1];
}

/** Where each is cheaper, in words. */
export function cheaperText({ measured }: BillResult): string {
  const others = [WAYS[2]!, WAYS[3]!, WAYS[4]!];
  return WAYS.slice(0, 2)
    .flatMap((own) =>
      others.map((other) => {
        const from = dearerFrom(measured, own.bill, other.bill);
        return `- **${own.name}** ${from === undefined ? "is cheaper at all of these rates" : from === 1 ? "is dearer at all of these rates" : `is dearer from about ${whole(Number(from.toPrecision(2)))} events a second on, and cheaper below,`} than ${other.name}.`;
      }),
    )
    .join("\n");
}

export function billPlot({ measured }: BillResult): string {
  const points = (of: (rate: number) => number) => rates.map((rate) => [rate, of(rate)] as const);
  return logPlot({
    title: "The flights job, dollars a month",
    x: "events a second",
    y: "dollars a month",
    series: [
      {
        name: `${FLOCK}: 10 to 20 times cheaper than Flink`,
        colour: "#a3a3a3",
        points: points((rate) => flockDollars(measured, rate)[0]),
        to: points((rate) => flockDollars(measured, rate)[1]),
      },
      ...WAYS.map(({ name, colour, bill: of }) => ({
        name,
        colour,
        points: points((rate) => totalOf(of(measured, rate))),
        dashed: !name.startsWith("Millrace"),
      })),
    ],
  });
}

function lineOf({ measured }: BillResult): string {
  const at = (way: Way, rate: number) => dollars(totalOf(way.bill(measured, rate)));
  const all = (rate: number) =>
    `${at(WAYS[0]!, rate)} or ${at(WAYS[1]!, rate)}, Flink ${at(WAYS[2]!, rate)} or ${at(WAYS[3]!, rate)}, Kafka Streams ${at(WAYS[4]!, rate)}`;
  return `dollars a month at 1 event a second: ${all(1)}; at 100,000: ${all(100_000)}`;
}
