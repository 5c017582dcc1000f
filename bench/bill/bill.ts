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

const DEFAULT: Deployed = {
  ...{ packed: false, window: 5, batchSize: 1_000, linger: 0, logs: true },
  ...{ memory: assumptions.memory.value, shards: 1, keepsWeek: false },
};
/** As infra/environment.ts has it. */
const PRODUCTION: Deployed = { ...DEFAULT, memory: 1_769, shards: 4, keepsWeek: true };
const THRIFTY: Deployed = { ...DEFAULT, packed: true, window: 30, batchSize: 10_000, linger: 1, logs: false };

interface Way {
  readonly name: string;
  readonly about: string;
  readonly colour: string;
  readonly bill: (measured: Measured, rate: number) => Bill;
}

export const OWN: readonly Way[] = [
  {
    name: "Millrace, as it is by default",
    about:
      "the construct's defaults: an event a record, batches of five seconds or 1,000 records, a line of logs a turn; as few shards as take the load, records kept for a day",
    colour: "#c2410c",
    bill: (measured, rate) => millraceBill(measured, DEFAULT, rate),
  },
  {
    name: "Millrace, as this repository's prod",
    about:
      "the same in `infra/`'s environment prod: four shards or more, records kept for a week, functions of 1,769 MB",
    colour: "#fb923c",
    bill: (measured, rate) => millraceBill(measured, PRODUCTION, rate),
  },
  {
    name: "Millrace, packed and patient",
    about: "up to 500 events a record, batches of thirty seconds, logs of warnings alone",
    colour: "#15803d",
    bill: (measured, rate) => millraceBill(measured, THRIFTY, rate),
  },
];

export const OTHERS: readonly Way[] = [
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
    bill: (measured, rate) => kafkaStreamsBill(measured, false, rate),
  },
  {
    name: "Kafka Streams on Fargate, MSK, compressed",
    about: "the same, whose producers compress as well as Millrace's do",
    colour: "#c4b5fd",
    bill: (measured, rate) => kafkaStreamsBill(measured, true, rate),
  },
];

const WAYS = [...OWN, ...OTHERS];

const FLOCK = "flock, by its own claim";

const NOT_MEASURED = [
  "A bill of AWS: it is computed of what was counted on emulators, published prices and the assumptions in the table.",
  "Loads that change: all are taken to be constant. What is provisioned is paid for the peak, and Lambda for what comes; so a load with peaks favours Millrace.",
  "The others' logs, metrics, alarms and dashboards, which are nothing here, and CloudWatch is half of Millrace's bill where little comes. Nor what reading Kinesis takes in Flink: its CPU is that of lines of a file, and unpacking is not in it either. Their deployments do not keep records for a week, as this repository's prod does.",
  "Flock was not run: its paper's abstract says 10 to 20 times cheaper than Flink, and the band is that share of Managed Flink's KPUs, with the same stream and nothing else, though its instructions run Flink on machines of EC2. By default its state is in a function's memory, without any guarantee once that fails (its source, flock/src/state/mod.rs): another promise at another price.",
  "Storage of what comes out, which is the same for all; Glue, keys of one's own, networks, people. The job keeps a few KB of state a shard.",
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
  console.log(`${billTable(result)}\n\n${partsTable(result)}\n\n${cheaperTable(result)}\n\n${line}`);
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

export const dollars = (n: number): string => (n < 100 ? n.toFixed(2) : whole(n));

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
  const rows = OWN.flatMap((way) => {
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
      `${whole(one.tableBytes)}, ${whole(one.spilledBytes)}`,
    ]);
  return table(
    ["a turn", "CPU ms", "write units", "read units", "S3 PUTs", "Firehose KB", "bytes of commit, spilled"],
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

/** Rates, from and to, between which one way is cheaper than another. */
export function cheaperBetween(
  measured: Measured,
  own: Way["bill"],
  other: Way["bill"],
): readonly (readonly [from: number, to: number])[] {
  const spans: [number, number][] = [];
  let isOpen = false;
  for (const rate of rates) {
    const isCheaper = totalOf(own(measured, rate)) < totalOf(other(measured, rate));
    if (isCheaper && !isOpen) spans.push([rate, rate]);
    else if (isCheaper) spans.at(-1)![1] = rate;
    isOpen = isCheaper;
  }
  return spans;
}

/** Where Millrace is cheaper, and so where it is not. */
export function cheaperTable({ measured }: BillResult): string {
  const [first, last] = [rates[0]!, rates.at(-1)!];
  const about = (rate: number) => whole(Number(rate.toPrecision(2)));
  const text = ([from, to]: readonly [number, number]) =>
    from === first && to === last
      ? "everywhere"
      : from === first
        ? `up to ${about(to)}`
        : to === last
          ? `from ${about(from)} on`
          : `${about(from)} to ${about(to)}`;
  return table(
    ["cheaper at events a second", ...OTHERS.map(({ name }) => `than ${name}`)],
    OWN.map((own) => [
      own.name,
      ...OTHERS.map((other) => cheaperBetween(measured, own.bill, other.bill).map(text).join(", ") || "nowhere"),
    ]),
  );
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
  const all = (rate: number, ways: readonly Way[]) =>
    ways.map((way) => dollars(totalOf(way.bill(measured, rate)))).join(", ");
  return `dollars a month at 1 event a second, as it is by default, in this repository's prod, packed: ${all(1, OWN)}, beside Managed Flink ${all(1, OTHERS.slice(0, 2))} and Kafka Streams ${all(1, OTHERS.slice(2))}; at 100,000: ${all(100_000, OWN)}, beside ${all(100_000, OTHERS.slice(0, 2))} and ${all(100_000, OTHERS.slice(2))}`;
}
