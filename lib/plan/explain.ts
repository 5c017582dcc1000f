import { KEY_GROUPS } from "../state/key-group.ts";
import type { OperatorCounts } from "../state/counters.ts";
import { inputsOf, type Node, type NodeOf, type Pipeline } from "../pipeline/topology.ts";
import { preAggregationOf } from "./pre-aggregation.ts";
import { planStages, type Stage } from "./stage.ts";

/** What became of records, per operator, over all tasks (as `inspectTasks` and the test driver tell it). */
export type Measured = ReadonlyMap<string, Pick<OperatorCounts, "folded" | "sent">>;

/**
 * Says how a pipeline runs: its stages and their operators, why there is a shuffle wherever there is one, and whether
 * records are aggregated before it.
 *
 * @param measured adds what was counted: how many elements were sent for how many records
 *
 * @example
 * console.log(explain(flightDelays));
 */
export function explain(pipeline: Pipeline, measured?: Measured): string {
  const lines = [`pipeline ${pipeline.name}`];
  for (const stage of planStages(pipeline)) {
    lines.push("", `stage ${stage.name}: reads ${inputText(stage)}`);
    const readerOf = (keyBy: string) =>
      stage.shuffles.find(({ keyBys }) => keyBys.some(({ name }) => name === keyBy))!.stage;
    for (const index of stage.nodes) {
      if (stage.roots.includes(index)) continue;
      const node = pipeline.nodes[index]!;
      const after = inputsOf(node).map((input) => pipeline.nodes[input]!.name);
      lines.push(`  ${nodeText(node, readerOf)}, after ${after.join(" and ")}`);
      if (node.kind === "keyBy")
        lines.push(...shuffleText(pipeline, stage, node, measured).map((line) => `    ${line}`));
    }
  }
  return `${lines.join("\n")}\n`;
}

function inputText({ input }: Stage): string {
  if (input.kind === "source") {
    const { keyFields, connector, isUnordered } = input.source;
    if (isUnordered) return `the ${connector} source ${input.name}, in no order; it keeps nothing`;
    const key =
      keyFields.length === 0 ? "by a key that it does not declare" : `by its own key (${keyFields.join(", ")})`;
    return `the ${connector} source ${input.name}, partitioned ${key}`;
  }
  const { name, keyBys, broadcasts, producers } = input;
  const entries = [
    ...keyBys.map((keyBy) => `${kindOfKeyBy(keyBy)} ${keyBy.name}`),
    ...broadcasts.map((broadcast) => `broadcast ${broadcast.name}`),
  ];
  const through = entries.length === 1 ? "" : `, through ${entries.join(" and ")}`;
  return `the internal stream ${name}, which ${producers.join(" and ")} write${producers.length === 1 ? "s" : ""} to${through}`;
}

function nodeText(node: Node, stageOf: (keyBy: string) => string): string {
  switch (node.kind) {
    case "window":
      return `window ${node.name}: ${kindOf(node)} ${keyText(node.keyFields)} of ${Object.keys(node.aggregates).join(", ")}`;
    case "process":
    case "deduplicate":
      return `${node.kind} ${node.name}: state ${keyText(node.keyFields)}`;
    case "broadcast":
      return `broadcast ${node.name}: to every task that reads it`;
    case "join":
      return `join ${node.name}: ${node.type}, with rows of ${node.table.name} as of each record's time, state ${keyText(node.keyFields)}`;
    case "keyBy":
      return `${kindOfKeyBy(node)} ${node.name}: a shuffle to stage ${stageOf(node.name)}`;
    default:
      return `${node.kind} ${node.name}`;
  }
}

const kindOfKeyBy = ({ table }: NodeOf<"keyBy">): string => (table === undefined ? "keyBy" : "table");

/** The word that its windows are called by: tumbling, session, … */
const kindOf = ({ assigner }: NodeOf<"window">): string => assigner.shape.split(/[:/]/, 1)[0]!;

const keyText = (fields: readonly string[]): string =>
  fields.length === 0 ? "of everything" : `per ${fields.join(", ")}`;

function shuffleText(
  pipeline: Pipeline,
  stage: Stage,
  keyBy: NodeOf<"keyBy">,
  measured: Measured | undefined,
): readonly string[] {
  const has =
    stage.input.kind === "source" && stage.input.source.keyFields.length > 0
      ? `records are partitioned by ${stage.input.source.keyFields.join(", ")}`
      : stage.input.kind === "source"
        ? "the source declares no key, so equal keys are on any of its shards"
        : `records are partitioned for stage ${stage.name}`;
  const wants =
    keyBy.keyFields.length === 0
      ? "all are wanted in one place"
      : `equal ${keyBy.keyFields.join(", ")} are wanted in one place`;
  const { window, reason } = preAggregationOf(pipeline, keyBy);
  const aggregated =
    window === undefined
      ? `every record is sent, as it is at the keyBy: ${reason}`
      : `aggregated before, per batch, key and window of ${window.name}`;
  const counts = measured?.get(keyBy.name);
  return [
    `because ${has}, and ${wants} (${KEY_GROUPS} key groups)`,
    aggregated,
    ...(counts === undefined ? [] : [measuredText(counts)]),
  ];
}

function measuredText({ folded, sent }: Pick<OperatorCounts, "folded" | "sent">): string {
  const saved = folded === 0 ? 0 : (1 - sent / folded) * 100;
  const whole = (n: number) => n.toLocaleString("en-US");
  return `measured: ${whole(sent)} elements sent for ${whole(folded)} records, ${saved.toFixed(1)} % fewer`;
}
