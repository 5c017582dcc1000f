import { readFileSync } from "node:fs";
import type { Pipeline } from "millrace";
import { isLake } from "../../../lib/connectors/firehose/declare.ts";
import { nodesOf } from "../../../lib/pipeline/topology.ts";
import q0 from "./q0/pipeline.ts";
import q1 from "./q1/pipeline.ts";
import q2 from "./q2/pipeline.ts";
import q4 from "./q4/pipeline.ts";
import q5 from "./q5/pipeline.ts";
import q7 from "./q7/pipeline.ts";
import q11 from "./q11/pipeline.ts";
import q12 from "./q12/pipeline.ts";
import q14 from "./q14/pipeline.ts";
import q15 from "./q15/pipeline.ts";
import q16 from "./q16/pipeline.ts";
import q17 from "./q17/pipeline.ts";
import q18 from "./q18/pipeline.ts";
import q19 from "./q19/pipeline.ts";
import q21 from "./q21/pipeline.ts";
import q22 from "./q22/pipeline.ts";
import type { NexmarkQuery } from "./query.ts";

/** So that midnight is in the middle of a hundred seconds. */
const BEFORE_MIDNIGHT = Date.UTC(2015, 6, 14, 23, 59, 10);

/** Every query that needs no join operator, by its number. */
export const QUERIES: readonly NexmarkQuery[] = [
  query("q0", "Pass through", q0),
  query("q1", "Currency conversion", q1),
  query("q2", "Selection", q2),
  query("q4", "Average price for a category", q4, { key: ["id"] }),
  query("q5", "Hot items", q5),
  query("q7", "Highest bid", q7),
  query("q11", "User sessions", q11, { key: ["bidder", "starttime"] }),
  query("q12", "Bids of users in ten seconds", q12, { key: ["bidder", "starttime"] }),
  query("q14", "Calculation", q14, { span: { days: 1 } }),
  query("q15", "Bidding statistics report", q15, { key: ["day"], start: BEFORE_MIDNIGHT }),
  query("q16", "Channel statistics report", q16, { key: ["channel", "day"], start: BEFORE_MIDNIGHT }),
  query("q17", "Auction statistics report", q17, { key: ["auction", "day"], start: BEFORE_MIDNIGHT }),
  query("q18", "Last bid", q18, { key: ["bidder", "auction"] }),
  query("q19", "Top 10 prices of an auction", q19, { key: ["auction", "rank_number"] }),
  query("q21", "Add channel id", q21),
  query("q22", "Get URL directories", q22),
];

function query(
  name: string,
  title: string,
  pipeline: Pipeline,
  options: Pick<NexmarkQuery, "key" | "start" | "span"> = {},
): NexmarkQuery {
  const sink = nodesOf(pipeline, "sink")
    .map((node) => node.sink)
    .find(isLake)!;
  const expectedSql = readFileSync(new URL(`${name}/expected.sql`, import.meta.url), "utf8");
  return { name, title, pipeline, sink, expectedSql, ...options };
}
