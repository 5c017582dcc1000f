import { PRICES_READ_ON } from "../../lib/cdk/prices.ts";
import type { ServiceUsage, Usage } from "../types.ts";
import type { Comparison } from "./compare.ts";
import { estimateCost, type Workload } from "./cost.ts";
import type { Database } from "./database.ts";
import type { Highlight } from "./demo.ts";
import type { MetricReader } from "./metrics.ts";
import { bytes, decimal, instant, whole, type Printer } from "./print.ts";

/** Prints a demo's queries over the results. */
export async function reportHighlights(
  database: Database,
  highlights: readonly Highlight[],
  printer: Printer,
): Promise<void> {
  for (const { title, sql } of highlights) {
    const rows = await database.rows(sql);
    printer.section(title);
    if (rows.length === 0) printer.line("  none");
    else
      printer.table(
        Object.keys(rows[0]!).map((name) => name.replaceAll("_", " ")),
        rows.map((row) => Object.values(row).map(cell)),
      );
  }
}

const cell = (value: unknown): string => {
  if (typeof value === "bigint") return whole(Number(value));
  if (typeof value === "number") return decimal(value, 1);
  if (value instanceof Date) return instant(value.getTime());
  return typeof value === "string" ? value : value === null ? "–" : JSON.stringify(value);
};

/** @param stages producers first; what later ones read was put by those before */
export function reportLatency(metrics: MetricReader, stages: readonly string[], printer: Printer): void {
  printer.section(stages.length === 1 ? "Latency, from put" : "Latency of each stage, from put into its stream");
  const lines = stages.flatMap((stage) => {
    const own = stages.length === 1 ? "" : `${stage}: `;
    return [
      [`${own}to committed`, metrics.latency("CommitLatency", { stage })],
      [`${own}to delivered`, metrics.latency("DeliverLatency", { stage })],
    ] as const;
  });
  printer.table(
    ["", "median", "99th percentile", "samples"],
    lines.map(([name, latency]) =>
      latency === undefined
        ? [name, "–", "–", "0"]
        : [name, `${whole(latency.median)} ms`, `${whole(latency.p99)} ms`, whole(latency.samples)],
    ),
  );
}

/** What the pipeline used, as the local stack counted it. */
export function reportUsage(usage: Usage, printer: Printer): void {
  const row = (name: string, { requests, bytesIn, bytesOut }: ServiceUsage, note = ""): string[] => [
    name,
    whole(Object.values(requests).reduce((sum, n) => sum + n, 0)),
    bytes(bytesIn),
    bytes(bytesOut),
    note,
  ];
  const { dynamodb, kinesis, s3, sqs, firehose, lambda } = usage;
  printer.section("Used, as counted by the local stack");
  printer.table(
    ["", "requests", "in", "out", ""],
    [
      row("DynamoDB", dynamodb, `${whole(dynamodb.writeUnits)} write units, ${whole(dynamodb.readUnits)} read units`),
      row("Kinesis", kinesis, breakdown(kinesis)),
      row("Firehose", firehose, `${whole(firehose.records)} records, ${bytes(firehose.billedBytes)} as billed`),
      row("S3", s3, breakdown(s3)),
      row("SQS", sqs, breakdown(sqs)),
      [
        "Lambda",
        whole(lambda.invocations),
        bytes(lambda.payloadBytes),
        "",
        `${decimal(lambda.durationMillis / 1_000, 1)} s, ${decimal(lambda.gigabyteSeconds, 1)} GB-s, ${whole(lambda.errors)} errors, ${whole(lambda.restarts)} restarts`,
      ],
    ],
  );
}

const breakdown = ({ requests }: ServiceUsage): string =>
  Object.entries(requests)
    .sort(([, a], [, b]) => b - a)
    .map(([name, n]) => `${name} ${whole(n)}`)
    .join(", ");

export function reportCost(usage: Usage, workload: Workload, printer: Printer): void {
  const { items, total, shardsPerHour } = estimateCost(usage, workload);
  printer.section("What this would cost on AWS, per million events");
  printer.table(
    ["service", "what", "used here", "dollars"],
    [
      ...items.map(({ service, what, amount, dollars }) => [
        service,
        what,
        Number.isInteger(amount) ? whole(amount) : decimal(amount, amount < 1 ? 4 : 1),
        decimal(dollars, 4),
      ]),
      ["total", "", "", decimal(total, 4)],
    ],
  );
  const streams = workload.streams === 1 ? "the stream" : `${whole(workload.streams)} streams`;
  printer.line(
    `  and ${streams}: $${decimal(shardsPerHour, 3)} an hour for ${whole(workload.streams * workload.shards)} shard${workload.streams * workload.shards === 1 ? "" : "s"}, whatever they carry.`,
  );
  printer.line(
    `  us-east-1 on ${PRICES_READ_ON} (lib/cdk/prices.ts), Lambda at this machine's speed; without logs, storage, and Lambda's polling of the tick queue.`,
  );
}

export function reportComparison(
  what: string,
  { expected, delivered, equal, missing, repeated, different, examples }: Comparison,
  printer: Printer,
): void {
  const counts = `oracle ${whole(expected)}, delivered ${whole(delivered)}, equal ${whole(equal)}`;
  printer.line(
    `  ${what.padEnd(16)}  ${counts}, missing ${whole(missing)}, repeated ${whole(repeated)}, different ${whole(different)}`,
  );
  for (const { problem, ...row } of examples) {
    printer.line(
      `    ${String(problem)}: ${Object.entries(row)
        .map(([name, value]) => `${name} ${cell(value)}`)
        .join(", ")}`,
    );
  }
}
