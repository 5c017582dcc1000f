import { whole } from "./affinity/tables.ts";
import { PRICES_READ_ON } from "../lib/cdk/prices.ts";
import {
  assumptionsTable,
  billTable,
  cheaperTable,
  partsTable,
  pricesTable,
  turnsTable,
  waysList,
  type BillResult,
} from "./bill/bill.ts";
import { idleDollars } from "./bill/millrace-bill.ts";
import { costTable, timesTable, type CostResult } from "./cost/cost.ts";
import { shown } from "./harness/statistics.ts";
import { list, MADE, section } from "./report-sections.ts";

/** docs/cost.md, of the last results. */
export const costText = (): string => `${MADE}

# Cost

What AWS charges for events that count exactly once, by the way that is used; and what a whole job costs in a month, beside
what one would use instead. Prices are those of us-east-1, read on ${PRICES_READ_ON}
([lib/cdk/prices.ts](../lib/cdk/prices.ts)).

${section<CostResult>(
  "cost",
  "Exactly-once, a million events",
  (figures) => `The events are real departures, added up by
airport and hour; each way is given its first batch twice beforehand, and once more as a part of a larger one, and must count it once
(but for the way of which is said that it does not), and all must come to the same hours. Requests, bytes and units are counted where they leave the process, on AWS's own emulator of DynamoDB; units of
transactions by their published rule.

${list(unique(figures.figures.map(({ way, about }) => ({ name: way, about }))))}

${costTable(figures)}

Commits of Millrace are kept for a month, in a table that can be put back to any time: that is in its dollars, at the units that writing them
takes. DynamoDB and S3 alone, as times what Millrace takes:

${timesTable(figures)}

${sentText(figures)}. What they took is told for a million. Dollars are for DynamoDB, S3, SQS and
Lambda's requests; what states cost that are not in memory is in [scale](scale.md).`,
)}

${section<BillResult>(
  "bill",
  "The whole bill",
  (
    figures,
  ) => `The job is [flight delays](../functions/aggregate-flight-delays) at a rate that never changes, with all that is billed: the
stream, functions, the changelog and what is kept of it, rows on S3, and Millrace's logs, metrics and alarms.

${list(waysList())}

![Dollars a month by events a second](plots/bill.svg)

${billTable(figures)}

A month in which nothing comes costs $${idleDollars().toFixed(2)} by default: a shard, alarms, a dashboard, and those who ask the queue of ticks. No function
runs in it.

Where Millrace is cheaper, of 1 to 100,000 events a second; elsewhere it is dearer:

${cheaperTable(figures)}

What Millrace's dollars are for:

${partsTable(figures)}

A turn as it was measured, on the DynamoDB emulator dynalite; beside these ${shown(figures.measured.logBytes / 1_000)} KB of logs an invocation
(\`npm run bench -- local\`), and of each million events ${shown(figures.measured.flinkCpu)} s of CPU in Flink and
${shown(figures.measured.kafkaStreamsCpu)} in Kafka Streams (\`npm run bench -- engine\`). An event has ${shown(figures.measured.eventBytes)} bytes;
${whole(Math.round(figures.measured.packed.eventsPerRecord))} of them are packed to ${whole(Math.round(figures.measured.packed.recordBytes))}.

${turnsTable(figures)}

${assumptionsTable()}

${pricesTable()}`,
)}
`;

/** How many events were sent, by the ways that were sent as many. */
function sentText({ figures }: CostResult): string {
  const numbers = [...new Set(figures.map(({ events }) => events))];
  const sent = numbers.map((number) => {
    const ways = new Set(figures.filter(({ events }) => events === number).map(({ way }) => way));
    return `${whole(number)} events were sent in each line of ${[...ways].join("; ")}`;
  });
  return sent.join(". ");
}

const unique = <T extends { readonly name: string }>(entries: readonly T[]): readonly T[] =>
  entries.filter(({ name }, i) => entries.findIndex((other) => other.name === name) === i);
