import { inputsOf, type NodeOf, type Pipeline } from "../pipeline/topology.ts";

/** A window whose records are aggregated before the shuffle, or why they are not. */
export type PreAggregation =
  | { readonly window: NodeOf<"window">; readonly reason?: undefined }
  | { readonly window?: undefined; readonly reason: string };

/** Decides whether the records of a `keyBy` are aggregated, batch by batch, before they are sent. */
export function preAggregationOf(pipeline: Pipeline, keyBy: NodeOf<"keyBy">): PreAggregation {
  const at = pipeline.nodes.indexOf(keyBy);
  const readers = pipeline.nodes.filter((node) => inputsOf(node).includes(at));
  const [window] = readers;
  if (keyBy.table !== undefined) return { reason: "each change is a version of its row" };
  if (!keyBy.preAggregate) return { reason: "the pipeline says that every record is sent" };
  if (readers.length !== 1) return { reason: `${readers.length} operators read its records` };
  if (window?.kind !== "window") return { reason: `"${window!.name}" is no window` };
  const { assigner, trigger, name } = window;
  if (assigner.kind === "count" || assigner.kind === "sliding")
    return { reason: `windows of "${name}" depend on the records that came before` };
  if (trigger !== undefined) return { reason: `"${name}" makes rows before its windows close` };
  const isLateUsed = pipeline.nodes.some(
    (node) => node.kind === "side" && node.input === pipeline.nodes.indexOf(window),
  );
  return isLateUsed ? { reason: `late records of "${name}" are used one by one` } : { window };
}
