import { writeFileSync } from "node:fs";
import path from "node:path";
import { format } from "prettier";
import { PRICES_READ_ON } from "../lib/cdk/prices.ts";
import {
  assumptionsTable,
  billTable,
  cheaperText,
  partsTable,
  pricesTable,
  turnsTable,
  waysList,
  type BillResult,
} from "./bill/bill.ts";
import { TOLERANCE } from "./counts/compare.ts";
import { JOBS } from "./counts/jobs.ts";
import { startsTable, sizesTable, type BundleResult } from "./bundle/bundle.ts";
import { loadsTable } from "./bundle/loads.ts";
import { costTable, timesTable, type CostResult } from "./cost/cost.ts";
import { engineTable, type EngineResult } from "./engine/engine.ts";
import { writePlots } from "./plots.ts";
import { readResult, type Result } from "./harness/results.ts";
import { ROOT } from "./harness/work.ts";
import { median, shown } from "./harness/statistics.ts";
import { catchUpTable, type CatchUpResult } from "./latency/catch-up.ts";
import { stepsTable, windowsTable, type LatencyResult } from "./latency/latency.ts";
import { liveTable, type LiveResult } from "./latency/live/live.ts";
import { localTable, type LocalResult } from "./local/local.ts";
import { besideText, nexmarkTable, type NexmarkResult } from "./nexmark/peers/nexmark.ts";
import { stateTable, type StateResult } from "./state/state.ts";

/** `npm run bench -- report`: makes docs/performance.md and docs/cost.md of the last results. All figures come from them. */
export async function report(): Promise<void> {
  writePlots();
  await write("performance", performanceText());
  await write("cost", costText());
}

async function write(name: string, text: string): Promise<void> {
  const options = { parser: "markdown", printWidth: 120, proseWrap: "always" } as const;
  writeFileSync(path.join(ROOT, `docs/${name}.md`), await format(text, options));
}

const MADE = "<!-- Made by `npm run bench -- report` from bench/results: change the script, or measure again. -->";

/** What was run, on what; and in the end what the figures leave out. */
function section<T>(comparison: string, title: string, body: (figures: T) => string): string {
  const result = readResult<T>(comparison);
  if (result === undefined) return `## ${title}\n\nNot measured yet: \`npm run bench -- ${comparison}\`.\n`;
  return `## ${title}

${facts(result)}

${body(result.figures)}

In one line: ${result.line}.

Not measured:

${result.notMeasured.map((one) => `- ${one}`).join("\n")}
`;
}

function facts({ command, date, machine, versions }: Result<unknown>): string {
  const named = Object.entries(versions).map(([name, version]) => `${name} ${version}`);
  return `\`${command}\`, ${date}, on ${machine.cores} cores of an ${machine.model} with ${machine.memoryGigabytes} GB, shared with other
work; Node ${machine.node}, ${machine.platform}${named.length > 0 ? `; ${named.join(", ")}` : ""}.`;
}

const list = (entries: readonly { readonly name: string; readonly about: string }[]): string =>
  entries.map(({ name, about }) => `- **${name}**: ${about}`).join("\n");

const performanceText = (): string => `${MADE}

# Performance

What Millrace takes, beside what one would use instead. Every table can be made again by one command, which installs what
it compares with, checks that all have given the same answer, and only then prints. Work is told in seconds of CPU, of all
threads, as the kernel counts them for the whole process: they depend less on what else the machine does than the clock.
Ratios are taken within a round, in which everything runs once; figures are medians, with the least and the most of all
rounds.

${section<EngineResult>(
  "engine",
  "Beside other engines",
  (
    figures,
  ) => `The job is [flight delays](../functions/aggregate-flight-delays): JSON, a schema, a filter, windows of an hour for each airport
with count, mean and worst delay. The departures are real, out of order by up to seven hours, and so is the disorder that
all engines are told, so that none is late in any. Every engine runs once over ${count(figures.shortEvents)} events and once
over ${count(figures.longEvents)}: the difference is what a million events more take, when everything is compiled and warm; the
whole run shows what the start adds. All gave the same ${count(figures.rows)} rows as DuckDB, in each round (here: ${count(figures.rounds)}).

${list(figures.subjects)}

![CPU seconds of a million events, by engine](plots/engine.svg)

${engineTable(figures)}

Millrace commits after each batch of 1,000, so ${count(Math.round(figures.longEvents / 1_000))} times in a run, and Flink once a
second, as is usual for each.`,
)}

${section<NexmarkResult>(
  "nexmark",
  "Nexmark",
  (
    figures,
  ) => `[Nexmark's queries](../bench/nexmark), each by Millrace and by a job in Java as it is written for Flink, over one file of
${count(figures.longEvents)} events of an auction, in the published proportions, rate and sizes, as lines of JSON in disorder within a tenth of a
second. A query counts once its rows are those of DuckDB, one by one. CPU seconds are those of a million events more than the
first ${count(figures.shortEvents)} (rounds: ${count(figures.rounds)}). Queries that update their answer with every event say what they say in the end, in all engines.

${list(figures.engines)}

![CPU seconds of a million events, by query](plots/nexmark.svg)

${nexmarkTable(figures)}

JSON.parse of every event, and nothing else, takes ${shown(median(figures.floor))} s a million. Brokers beside took: ${besideText(figures)}. A stage is what stands between two shuffles: here
each of them decodes, folds and commits by itself, as its function does, while Flink hands records from thread to thread. Flink's
jobs send on what is needed there alone, as Millrace's do. Queries 15 and 16 count different bidders and auctions: Millrace's
pipelines keep a group of each and send its row on to be counted, so that no list is in one record of state; Flink's hold maps of them.`,
)}

${section<StateResult>(
  "state",
  "What grows with the state",
  (
    figures,
  ) => `A key has a window of three aggregates. After the state is built, ${count(figures.batches)} batches of 1,000 records touch keys at
random; then another process, which knows nothing, goes on. All readings are in the rows in the end. Where a column grows
from line to line although as many keys are touched, it grows with all keys.

![What grows with live keys](plots/state.svg)

${stateTable(figures)}

Large tables are sorted runs: entries in order, in blocks that are compressed one by one, as memory has them too. A batch makes
the entries it touches, a cold start inflates the blocks it touches, and a checkpoint takes over those in which nothing has changed;
here, where keys are drawn evenly, these are none. It is due when the log outgrows the last one, so that its share of a batch stays about
the same. What grows still in a batch's CPU is what memory costs: touched keys lie far apart, and caches of the processor are small.
[What state a task may have](scale.md), [why runs](decisions/0021-state-beyond-memory.md).

In a process whose heap is limited as that of a function of ${figures.small.megabytes} MB, with ${count(figures.small.keys)} live windows, the
most memory resident was ${count(Math.round(figures.small.peakMegabytes))} MB, without the AWS SDK and Lambda's own.`,
)}

${section<LatencyResult>(
  "latency",
  "Latency",
  (
    figures,
  ) => `The flights job with windows of a minute, on a clock that is simulated: what the protocol adds, and what we compute. Two figures
are the median and what 99 of a hundred are below. A mapping waits until its window is over or a batch is full, 1,000 records
here; so at large rates a long window changes nothing.

![What an event waits for, step by step](plots/latency.svg)

${stepsTable(figures)}

A window's row comes once the watermark has passed its end and what it allows for; 100 events a second, batches of five
seconds. Once events have ceased a tick closes what is open, when the source counts as idle:

${windowsTable(figures)}`,
)}

${section<LiveResult>(
  "latency-live",
  "Latency by the clock, on the local stack",
  (
    figures,
  ) => `The same steps with a real clock: the [local stack](../localstack) runs a pipeline from its template, events are put over its HTTP
interfaces at a rate, ${figures.seconds} seconds each, and go to a queue, which says when it took them; windows of a second do, too. Every event
is in the queue once, and every window has its count, before a figure is used. Milliseconds: median, and what 99 of a hundred are below.

${liveTable(figures)}

A burst of ${count(figures.burst.events)} events, put within ${shown(figures.burst.pushed)} s, was in the queue ${shown(figures.burst.done)} s after its first was put.

What it says: the steps are these, each over HTTP and in processes of their own, and this is what they take when every service is
near. What it does not say: how long AWS takes for any of them, which no local run can tell.`,
)}

${section<CatchUpResult>(
  "catch-up",
  "Catching up",
  (
    figures,
  ) => `One shard that nobody has read for a while, and to which events go on to come. Batches fill up while it is behind, so that each
event costs less, and shrink to what the mapping's window of five seconds brings. A shard gives 2 MB a second: more is read
by more shards alone.

![How long a shard takes to catch up](plots/catch-up.svg)

${catchUpTable(figures)}`,
)}

${section<LocalResult>(
  "local",
  "The local stack",
  (
    figures,
  ) => `All of \`npm start\`: emulators, mappings, functions in processes of their own, Parquet, and the comparison of every row with
DuckDB's answer; ${count(figures.shards)} shards.

${localTable(figures)}`,
)}

${section<BundleResult>(
  "bundle",
  "Bundles and cold starts",
  (figures) => `A function's bundle by whom its bytes are, as CDK makes it, without the source map:

${sizesTable(figures)}

What a process takes from its start to its first commit, with the bundle and the SDK as they are deployed, ${figures.rounds} rounds:

${startsTable(figures)}
${
  figures.loads === undefined
    ? ""
    : `
Loading alone, by the size of what is loaded: bundles with other packages in them, whole, in new processes.

![CPU of loading, by the size of a bundle](plots/loads.svg)

${loadsTable(figures.loads)}

What a module asks for later lies in files of its own, as Millrace's connectors do; of these the start reads what it shares with them.`
}`,
)}

## What may not rise

CI counts and takes no times: \`npm run bench -- counts\` runs ${count(JOBS.length)} jobs that are always the same, on dynalite, an emulator of DynamoDB
and fails when requests, units, bytes or promises are more than those in
[counts.json](../bench/results/counts.json) by over ${TOLERANCE * 100} %. \`npm run bench -- counts --accept\` writes those of now, for
a commit that says why. Bytes allocated are not among them: they depend on when V8 optimises, so on the clock.
`;

const costText = (): string => `${MADE}

# Cost

What AWS charges for events that count exactly once, by the way that is used; and what a whole job costs in a month, beside
what one would use instead. Prices are those of us-east-1, read on ${PRICES_READ_ON}
([lib/cdk/prices.ts](../lib/cdk/prices.ts)).

${section<CostResult>(
  "cost",
  "Exactly-once, a million events",
  (figures) => `The events are real departures, added up by
airport and hour; each way is given its first batch twice beforehand, and must count it once, and all must come to the same
hours. Requests, bytes and units are counted where they leave the process, on AWS's own emulator of DynamoDB; units of
transactions by their published rule.

${list(unique(figures.figures.map(({ way, about }) => ({ name: way, about }))))}

${costTable(figures)}

DynamoDB and S3 alone, as times what Millrace takes, on one shard and on four beside it:

${timesTable(figures)}

${count(figures.events)} events were sent in each line, and what they took is told for a million. Dollars are for DynamoDB, S3, SQS and
Lambda's requests; what states cost that are not in memory is in [scale](scale.md).`,
)}

${section<BillResult>(
  "bill",
  "The whole bill",
  (
    figures,
  ) => `The job is [flight delays](../functions/aggregate-flight-delays) at a rate that never changes, with all that is billed: the
stream, functions, the changelog, rows on S3, logs, metrics and alarms.

${list(waysList())}

![Dollars a month by events a second](plots/bill.svg)

${billTable(figures)}

Where each is cheaper, from 1 to 100,000 events a second:

${cheaperText(figures)}

What Millrace's dollars are for:

${partsTable(figures)}

A turn as it was measured, on the DynamoDB emulator dynalite; beside these ${shown(figures.measured.logBytes / 1_000)} KB of logs an invocation
(\`npm run bench -- local\`), and of each million events ${shown(figures.measured.flinkCpu)} s of CPU in Flink and
${shown(figures.measured.kafkaStreamsCpu)} in Kafka Streams (\`npm run bench -- engine\`). An event has ${shown(figures.measured.eventBytes)} bytes;
${count(Math.round(figures.measured.packed.eventsPerRecord))} of them are packed to ${count(Math.round(figures.measured.packed.recordBytes))}.

${turnsTable(figures)}

${assumptionsTable()}

${pricesTable()}`,
)}
`;

const count = (n: number): string => n.toLocaleString("en-US");

const unique = <T extends { readonly name: string }>(entries: readonly T[]): readonly T[] =>
  entries.filter(({ name }, i) => entries.findIndex((other) => other.name === name) === i);
