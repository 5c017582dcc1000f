import { whole } from "./affinity/tables.ts";
import { OTHERS, OWN, type BillResult } from "./bill/bill.ts";
import { totalOf } from "./bill/millrace-bill.ts";
import type { BundleResult } from "./bundle/bundle.ts";
import { storeDollars, type CostResult } from "./cost/cost.ts";
import { QUIET, unsteadiness, type EngineResult } from "./engine/engine.ts";
import { readResult } from "./harness/results.ts";
import { median, shown } from "./harness/statistics.ts";
import type { LiveCatchUpResult } from "./latency/live/catch-up-live.ts";
import type { LiveResult } from "./latency/live/live.ts";
import { ratiosOfQueries, type NexmarkResult } from "./nexmark/peers/nexmark.ts";

/** What it is about, Millrace's figure, and what is beside it, if anything is. */
type Claim = readonly [what: string, own: string, others?: string];

/** What the README claims, of the last results, each with the command that makes it: nothing of what was not measured. */
export const claims = (): string =>
  [
    claim<EngineResult>("engine", engineClaim),
    claim<NexmarkResult>("nexmark", nexmarkClaim),
    claim<CostResult>("cost", costClaim),
    claim<BillResult>("bill", billClaim),
    claim<BundleResult>("bundle", bundleClaim),
    claim<LiveResult>("latency-live", liveClaim),
    claim<LiveCatchUpResult>("catch-up-live", catchUpClaim),
  ]
    .flat()
    .join("\n");

function claim<T>(comparison: string, of: (figures: T) => Claim): readonly string[] {
  const result = readResult<T>(comparison);
  if (result === undefined) return [];
  const [what, own, others] = of(result.figures);
  return [
    `- **${what}**: ${own}${others === undefined ? "" : `; beside it ${others}`} (\`npm run bench -- ${comparison}\`)`,
  ];
}

function engineClaim({ subjects }: EngineResult): Claim {
  const of = (name: string) => `${shown(median(subjects.find((one) => one.name === name)!.perMillion))} s`;
  return [
    "CPU of a million flight departures",
    `${of("Millrace, packed")} from Lambda's events with many in a record, ${of("Millrace, enveloped")} with one`,
    `Flink ${of("Flink")} with a checkpoint a second and ${of("Flink, a checkpoint a minute")} with one a minute, Kafka Streams ${of("Kafka Streams")}, Bytewax ${of("Bytewax")}, which read them without such events${unsteadiness(subjects) > QUIET ? "; on a machine that was not quiet, so that the spread in docs/performance.md is to be read with each" : ""}`,
  ];
}

function nexmarkClaim(result: NexmarkResult): Claim {
  const { mean, least, most, count } = ratiosOfQueries(result)!;
  return [
    `CPU of ${count} queries of Nexmark, most of them with shuffles`,
    `${shown(mean)} times Flink's as the geometric mean, from ${shown(least)} to ${shown(most)}`,
  ];
}

function costClaim({ figures }: CostResult): Claim {
  const of = (way: string) => {
    const one = figures.find((figure) => figure.way === way && figure.shards === 1 && figure.batch === 1_000)!;
    return `$${storeDollars(one).toFixed(way === "Millrace" ? 4 : 2)}`;
  };
  return [
    "DynamoDB and S3 so that a million events count once, 1,000 a batch",
    of("Millrace"),
    `updates of merged records by hand ${of("UpdateItem, merged")}, Powertools' idempotency ${of("Powertools idempotency")}`,
  ];
}

function billClaim({ measured }: BillResult): Claim {
  const of = (ways: readonly (typeof OWN)[number][], name: string) => {
    const { bill } = ways.find((way) => way.name.endsWith(name))!;
    return [1, 1_000, 100_000].map((rate) => `$${whole(totalOf(bill(measured, rate)))}`).join(", ");
  };
  return [
    "A month of the flights job at 1, 1,000 and 100,000 events a second",
    `${of(OWN, "packed and patient")} with many events in a record, ${of(OWN, "as it is by default")} by default, ${of(OWN, "prod")} as this repository's prod`,
    `Managed Flink ${of(OTHERS, "packed")} and ${of(OTHERS, "an event a record")}, Kafka Streams with MSK and compression ${of(OTHERS, "compressed")}`,
  ];
}

function bundleClaim({ starts, keys }: BundleResult): Claim {
  const toCommit = (one: BundleResult["starts"][number]) =>
    `${whole(median(one.loadCpu.map((load, round) => load + one.firstCpu[round]!)))} ms`;
  return [
    "CPU of a cold start, from loading the bundle to the first commit",
    `${toCommit(starts[0]!)} without state, ${toCommit(starts[1]!)} with ${whole(keys)} keys` +
      (starts[2] === undefined ? "" : `, ${toCommit(starts[2])} where commits follow its checkpoint`),
  ];
}

function liveClaim({ steps }: LiveResult): Claim {
  const usual = steps.find(({ rate, window }) => rate === 100 && window === 0) ?? steps[0]!;
  return [
    `From the put to the row in the sink, on the local stack, ${whole(usual.rate)} events a second`,
    `${whole(usual.toSink[0])} ms; 99 of a hundred within ${whole(usual.toSink[1])} ms`,
  ];
}

function catchUpClaim({ runs }: LiveCatchUpResult): Claim {
  const { backlog, rate, batchSize, seconds } = runs.toSorted((a, b) => b.backlog - a.backlog)[0]!;
  return [
    `Until caught up, on the local stack, ${whole(backlog)} events behind while ${whole(rate)} a second come`,
    `${shown(seconds)} s in batches of up to ${whole(batchSize)}`,
  ];
}

/** Puts the claims between the marks of a README. @throws when they are not there */
export function withClaims(readme: string): string {
  const marks = /(<!-- figures: .*-->\n)[^]*?(\n<!-- end -->)/;
  if (!marks.test(readme)) throw new Error("The README has no place for figures.");
  return readme.replace(marks, (_, start: string, end: string) => `${start}\n${claims()}\n${end}`);
}
