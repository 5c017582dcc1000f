import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { format } from "prettier";
import { whole } from "./affinity/tables.ts";
import { TOLERANCE } from "./counts/compare.ts";
import { JOBS } from "./counts/jobs.ts";
import { startsTable, sizesTable, type BundleResult } from "./bundle/bundle.ts";
import { loadsTable } from "./bundle/loads.ts";
import { engineTable, QUIET, unsteadiness, type EngineResult } from "./engine/engine.ts";
import { plots } from "./plots.ts";
import { withClaims } from "./readme.ts";
import { costText } from "./report-cost.ts";
import { list, MADE, section } from "./report-sections.ts";
import { ROOT } from "./harness/work.ts";
import { median, shown } from "./harness/statistics.ts";
import { catchUpTable, type CatchUpResult } from "./latency/catch-up.ts";
import { stepsTable, windowsTable, type LatencyResult } from "./latency/latency.ts";
import { liveCatchUpTable, type LiveCatchUpResult } from "./latency/live/catch-up-live.ts";
import { liveTable, type LiveResult } from "./latency/live/live.ts";
import { localTable, type LocalResult } from "./local/local.ts";
import { besideText, nexmarkTable, type NexmarkResult } from "./nexmark/peers/nexmark.ts";
import { stateTable, type StateResult } from "./state/state.ts";

/**
 * `npm run bench -- report`: makes docs/performance.md, docs/cost.md, their plots and the README's figures of the last
 * results. All figures come from them.
 */
export async function report(): Promise<void> {
  for (const [name, text] of await documents()) {
    const file = path.join(ROOT, name);
    mkdirSync(path.dirname(file), { recursive: true });
    writeFileSync(file, text);
  }
}

/** What the last results make: texts by their paths. */
export async function documents(): Promise<ReadonlyMap<string, string>> {
  const options = { parser: "markdown", printWidth: 120 } as const;
  const made = (text: string) => format(text, { ...options, proseWrap: "always" });
  const readme = readFileSync(path.join(ROOT, "README.md"), "utf8");
  return new Map([
    ...plots(),
    ["docs/performance.md", await made(performanceText())],
    ["docs/cost.md", await made(costText())],
    ["README.md", await format(withClaims(readme), options)],
  ]);
}

/** Where what always does the same took much longer at times, no ratio says more than its spread. */
function unsteady({ subjects }: EngineResult): string {
  const ratio = unsteadiness(subjects);
  if (ratio <= QUIET) return "";
  return `\n**The machine was not quiet**: JSON.parse of the same payloads took up to ${shown(ratio)} times as long in one round as in another. Believe no ratio beyond its spread.\n`;
}

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
all engines are told, so that none is late in any. Every engine runs once over ${whole(figures.shortEvents)} events and once
over ${whole(figures.longEvents)}, and notes what CPU it had taken when it was given the first ${whole(figures.shortEvents)}: what the long run takes from there on, less what
the short one does, is what ${whole(figures.longEvents - figures.shortEvents)} events more take, told for a million (of DuckDB, which reads all at once, the runs' difference). The
whole run shows what the start adds. All gave the same ${whole(figures.rows)} rows as DuckDB, in each round (here: ${whole(figures.rounds)}).

${list(figures.subjects)}

![CPU seconds of a million events, by engine](plots/engine.svg)

${engineTable(figures)}
${unsteady(figures)}
How often each makes what it has done last: Millrace with every batch of 1,000, so ${whole(Math.round(figures.longEvents / 1_000))} times in a run, every 4,000 where its line says so, or with full batches every 29,000 or so, as Lambda hands out a backlog of such records; Flink and Bytewax
once a second by the clock, which is more often than is usual (Managed Flink's default is once a minute), a few times in a run, and more
often in one on a busy machine, where it tells against them; Kafka Streams ten times a second, its own default with exactly_once_v2. JVMs choose their own collector, and what they
compile after the shorter run counts as theirs.

Which line is whose: Lambda gives a function events in its envelope, so one event a record is **enveloped**, and records that producers have
packed are **packed** (here without compression). **Text** cannot be deployed: it is what the engine takes of the same file that the others read,
without base64 and without the check of partition keys. Millrace and the floors run on the Node that functions run on.`,
)}

${section<NexmarkResult>(
  "nexmark",
  "Nexmark",
  (
    figures,
  ) => `[Nexmark's queries](../bench/nexmark), each by Millrace and by a job in Java as it is written for Flink, over one file of
${whole(figures.longEvents)} events of an auction, in the published proportions, rate and sizes, as lines of JSON in disorder within a tenth of a
second. A query counts once its rows are those of DuckDB, one by one. CPU seconds are those of the
${whole(figures.longEvents - figures.shortEvents)} events after the first ${whole(figures.shortEvents)}, told for a million, as above (rounds: ${whole(figures.rounds)}).${
    figures.longEvents - figures.shortEvents < 1_000_000 || figures.rounds < 2
      ? " So few events, or a single round, tell how large a figure is and no more: all engines still compile in them, and ratios of single queries change much, either way, when a million events are measured after a million."
      : ""
  } Queries that update their answer with every event say what they say in the end, in all engines.

${list(figures.engines)}

![CPU seconds of a million events, by query](plots/nexmark.svg)

${nexmarkTable(figures)}

JSON.parse of every event, and nothing else, takes ${shown(median(figures.floor))} s a million. Brokers beside took: ${besideText(figures)}. A stage is what stands between two shuffles: here
each of them decodes, folds and commits by itself, as its function does, while Flink hands records from thread to thread. Flink's
jobs send on what is needed there alone, as Millrace's do. Millrace's first stage reads lines, as **text** does above: parsing Lambda's
events comes to it, at every stage. Queries 15 and 16 count different bidders and auctions, and no list of
them is in one record of Millrace's state: in query 15 each is a group of its own, whose row is sent on to be counted, in query 16 an entry of its
channel's map, which is stored by itself. Flink's jobs hold maps of them.`,
)}

${section<StateResult>(
  "state",
  "What grows with the state",
  (
    figures,
  ) => `A key has a window of three aggregates. After the state is built, ${whole(figures.batches)} batches of 1,000 records touch keys at
random; then another process, which knows nothing, goes on. All readings are in the rows in the end. Where a column grows
from line to line although as many keys are touched, it grows with all keys.

![What grows with live keys](plots/state.svg)

${stateTable(figures)}

Large tables are sorted runs: entries in order, in blocks that are compressed one by one, as memory has them too. A batch makes
the entries it touches, a cold start inflates the blocks it touches, and a checkpoint takes over those in which nothing has changed;
here, where keys are drawn evenly, these are none. It is due when the log outgrows the last one, so that its share of a batch does not
grow with the state, as far as a key of a large one costs no more than one of a small one; and it is made in parts, one a turn, of
65,536 entries or a 64th of all, so that no turn takes as long as all of it (a turn counts that took a millisecond for it, or a twentieth of
the longest where that is less: of 1,000 keys these are no parts, but what every turn does after its commit). Two things grow still. A batch's CPU, by
what memory costs: touched keys lie far apart, caches of the processor are small, and the garbage collector walks through what is no run.
And heap: what has changed since the last checkpoint is objects, up to a third of all entries, and old and new are held at once
while one is made. So a task of ten million keys works, and is not what is [advised](scale.md).
[What state a task may have](scale.md), [why runs](decisions/0021-state-beyond-memory.md).

**${whole(figures.small.keys)} live windows in one task, under ${figures.small.megabytes} MB**: in a process whose heap is limited as that of a function of
${figures.small.megabytes} MB the most memory resident was ${whole(Math.round(figures.small.peakMegabytes))} MB, while the windows were opened, in ${figures.batches} batches after that, and in
checkpoints, at ${shown(figures.small.turnCpu)} ms of CPU a batch. The AWS SDK is not in it, nor what Lambda takes itself: a whole function
that starts without state takes what [bundles](#bundles-and-cold-starts) say.`,
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

A burst of ${whole(figures.burst.events)} events, put within ${shown(figures.burst.pushed)} s, was in the queue ${shown(figures.burst.done)} s after its first was put.

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

${section<LiveCatchUpResult>(
  "catch-up-live",
  "Catching up by the clock, on the local stack",
  (
    figures,
  ) => `The same with a real clock: the [local stack](../localstack) runs a pipeline of windows from its template, with the stream's mapping
switched off; events gather, of which each says when it happened; then the mapping is switched on, which starts its function, and
events go on to come. Caught up is what has no more unread than the mapping's window of five seconds, and one second more, bring. Every event was read,
and every window of a second has its count, once, before a figure is used.

${liveCatchUpTable(figures)}`,
)}

${section<LocalResult>(
  "local",
  "The local stack",
  (
    figures,
  ) => `All of \`npm start\`: emulators, mappings, functions in processes of their own, Parquet, and the comparison of every row with
DuckDB's answer; ${whole(figures.shards)} shards.

${localTable(figures)}`,
)}

${section<BundleResult>(
  "bundle",
  "Bundles and cold starts",
  (figures) => `A function's bundle by whom its bytes are, as CDK makes it, without the source map:

${sizesTable(figures)}

What a process takes from its start to its first commit, with the bundle and the SDK as they are deployed, ${figures.rounds} rounds:

${startsTable(figures)}

A state's first batch inflates the blocks that it touches, some 780 of 3,200 here, and makes 1,000 entries; what commits since the
checkpoint add is a GET each where they are spilled, and their entries. Nearly as much goes to V8: reading code, compiling what is
called, optimising it beside. [What was tried on it](decisions/0021-state-beyond-memory.md#at-a-cold-start).
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

CI counts and takes no times: \`npm run bench -- counts\` runs ${whole(JOBS.length)} jobs that are always the same, on dynalite, an emulator of DynamoDB
and fails when requests, units, bytes or promises are more than those in
[counts.json](../bench/results/counts.json) by over ${TOLERANCE * 100} %. \`npm run bench -- counts --accept\` writes those of now, for
a commit that says why. Bytes allocated are not among them: they depend on when V8 optimises, so on the clock.
`;
