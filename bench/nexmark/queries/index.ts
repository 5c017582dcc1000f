import { readFileSync } from "node:fs";
import type { Pipeline } from "millrace";
import { isLake } from "../../../lib/connectors/firehose/declare.ts";
import { nodesOf } from "../../../lib/pipeline/topology.ts";
import q0 from "./q0/pipeline.ts";
import q1 from "./q1/pipeline.ts";
import q14 from "./q14/pipeline.ts";
import q2 from "./q2/pipeline.ts";
import q21 from "./q21/pipeline.ts";
import q22 from "./q22/pipeline.ts";
import type { NexmarkQuery } from "./query.ts";

/** Every query, by its number. */
export const QUERIES: readonly NexmarkQuery[] = [
  query("q0", "Pass through", q0),
  query("q1", "Currency conversion", q1),
  query("q2", "Selection", q2),
  query("q14", "Calculation", q14, { span: { days: 1 } }),
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
