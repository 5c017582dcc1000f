import { readFileSync } from "node:fs";
import { isLake } from "../../../lib/connectors/firehose/declare.ts";
import { nodesOf } from "../../../lib/pipeline/topology.ts";
import { PIPELINES } from "./pipelines.ts";
import type { NexmarkQuery } from "./query.ts";

/** So that midnight is in the middle of a hundred seconds. */
const BEFORE_MIDNIGHT = Date.UTC(2015, 6, 14, 23, 59, 10);

/** Every query that needs no join operator, by its number. */
export const QUERIES: readonly NexmarkQuery[] = [
  query("q0", "Pass through"),
  query("q1", "Currency conversion"),
  query("q2", "Selection"),
  query("q4", "Average price for a category", { key: ["id"] }),
  query("q5", "Hot items"),
  query("q7", "Highest bid"),
  query("q11", "User sessions", { key: ["bidder", "starttime"] }),
  query("q12", "Bids of users in ten seconds", { key: ["bidder", "starttime"] }),
  query("q14", "Calculation", { span: { days: 1 } }),
  query("q15", "Bidding statistics report", { key: ["day"], start: BEFORE_MIDNIGHT }),
  query("q16", "Channel statistics report", { key: ["channel", "day"], start: BEFORE_MIDNIGHT }),
  query("q17", "Auction statistics report", { key: ["auction", "day"], start: BEFORE_MIDNIGHT }),
  query("q18", "Last bid", { key: ["bidder", "auction"] }),
  query("q19", "Top 10 prices of an auction", { key: ["auction", "rank_number"] }),
  query("q21", "Add channel id"),
  query("q22", "Get URL directories"),
];

function query(
  name: keyof typeof PIPELINES,
  title: string,
  options: Pick<NexmarkQuery, "key" | "start" | "span"> = {},
): NexmarkQuery {
  const pipeline = PIPELINES[name];
  const sink = nodesOf(pipeline, "sink")
    .map((node) => node.sink)
    .find(isLake)!;
  const expectedSql = readFileSync(new URL(`${name}/expected.sql`, import.meta.url), "utf8");
  return { name, title, pipeline, sink, expectedSql, ...options };
}
