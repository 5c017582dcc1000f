import type { KeySpec } from "../state/key.ts";
import type { BroadcastOptions } from "./broadcast.ts";
import { buildBroadcast } from "./build-broadcast.ts";
import type { Builder } from "./builder.ts";
import { buildEnrich, type AnyEnrichOptions } from "./build-enrich.ts";
import { buildKeyed } from "./build-keyed.ts";
import { buildTable, type AnyTableOptions } from "./build-table.ts";
import { OPERATOR } from "./handle.ts";
import { buildMetric, type AnyMetricOptions } from "./metric.ts";
import { checkField } from "./names.ts";
import type { SinkDeclaration } from "./sink.ts";
import type { KeyByOptions } from "./stream.ts";
import type { Node } from "./topology.ts";

/** A stream while its pipeline is built: what its methods add to the pipeline comes after its node. */
export interface BuiltStream {
  /** The index of its node. A side's is added once it is used. */
  readonly [NODE]: () => number;
}

const NODE = Symbol("node");

/** Makes the stream of a node's rows. @param keyFields of the key that it is partitioned by; none for no key */
export const buildStream = (builder: Builder, node: number, keyFields: readonly string[]): BuiltStream =>
  streamOf(builder, () => node, node, keyFields);

/** Makes the stream of what leaves an operator beside its rows. */
export function buildSide(builder: Builder, input: number, side: string, keyFields: readonly string[]): BuiltStream {
  let node: number | undefined;
  const here = () =>
    (node ??= builder.add({ kind: "side", name: `${builder.nodeAt(input).name}.${side}`, input, side }));
  return streamOf(builder, here, input, keyFields);
}

/** @param operator the index of what the stream leaves */
function streamOf(builder: Builder, here: () => number, operator: number, keyFields: readonly string[]): BuiltStream {
  const after = (next: Node) => buildStream(builder, builder.add(next), keyFields);
  const stream = {
    [NODE]: here,
    [OPERATOR]: () => builder.nodeAt(operator),
    filter: (name: string, predicate: (value: never) => boolean) =>
      after({ kind: "filter", name, input: here(), predicate: builder.function("filter", name, predicate) }),
    map: (name: string, change: (value: never) => unknown) =>
      after({ kind: "map", name, input: here(), change: builder.function("map", name, change) }),
    flatMap: (name: string, expand: (value: never) => Iterable<unknown>) =>
      after({ kind: "flatMap", name, input: here(), expand: builder.function("flatMap", name, expand) }),
    enrich: (name: string, options: AnyEnrichOptions) =>
      buildStream(builder, buildEnrich(builder, here(), name, options), keyFields),
    split: (name: string, branches: Readonly<Record<string, (value: never) => boolean>>) =>
      split(builder, here(), name, branches, keyFields),
    union: (name: string, ...others: readonly BuiltStream[]) => {
      const inputs = [here(), ...others.map((other) => nodeOf(builder, name, other))];
      return buildStream(builder, builder.add({ kind: "union", name, inputs }), keyFields);
    },
    get byKey() {
      if (keyFields.length === 0) {
        throw builder.refuse("byKey", "was asked of a stream without a key", "Declare the source's key.");
      }
      if (builder.rootsOf(here()).size > 1) {
        throw builder.refuse(
          `byKey after "${builder.nodeAt(here()).name}"`,
          "was asked of a union of streams that are partitioned each for itself",
          "Use keyBy: it brings equal keys together.",
        );
      }
      return buildKeyed(builder, here, operator, keyFields);
    },
    keyBy: (name: string, key: KeySpec<never>, { preAggregate = true }: KeyByOptions = {}) => {
      const fields = Object.keys(key);
      for (const field of fields) {
        checkField(`${builder.where}: keyBy("${name}")`, field);
        builder.function("keyBy", `${name}.${field}`, key[field]);
      }
      const node = builder.add({ kind: "keyBy", name, input: here(), key, keyFields: fields, preAggregate });
      return buildKeyed(builder, () => node, node, fields);
    },
    broadcast: (name: string, options: BroadcastOptions<never, never>) =>
      buildBroadcast(builder, here(), name, options),
    toTable: (name: string, options: AnyTableOptions) => buildTable(builder, here(), name, options),
    metric: (name: string, options?: AnyMetricOptions) => {
      buildMetric(builder, here(), name, options);
      return stream;
    },
    to: (sink: SinkDeclaration) => {
      if (sink?.kind !== "sink") {
        throw builder.refuse(`.to() after "${builder.nodeAt(here()).name}"`, "was not given a sink");
      }
      refuseOtherKey(builder, here(), keyFields, sink);
      builder.add({ kind: "sink", name: sink.name, input: here(), sink });
      return stream;
    },
  };
  return stream;
}

/** Refuses to write to a sink whose keys several tasks would write, each in an order of its own. */
function refuseOtherKey(
  builder: Builder,
  here: number,
  keyFields: readonly string[],
  { name, connector, keyedBy }: SinkDeclaration,
): void {
  if (keyedBy === undefined) return;
  const roots = [...builder.rootsOf(here)].map((root) => builder.nodeAt(root));
  const others = keyFields.filter((field) => !keyedBy.includes(field));
  const problem =
    roots.length > 1
      ? "it gets a union of streams that are partitioned each for itself"
      : others.length > 0
        ? `the stream's key has ${others.join(", ")}, which is not in the sink's (${keyedBy.join(", ")})`
        : keyFields.length === 0 && roots[0]?.kind === "source"
          ? "its stream has no key"
          : undefined;
  if (problem === undefined) return;
  throw builder.refuse(
    `.to(${connector}("${name}"))`,
    `would have several tasks write one key, and none of them knows whose row is newer: ${problem}`,
    `Use keyBy with (some of) ${keyedBy.join(", ")} before it, or give it a version.`,
  );
}

/** The branch of what no other takes. */
export const REST = "rest";

function split(
  builder: Builder,
  input: number,
  name: string,
  branches: Readonly<Record<string, (value: never) => boolean>>,
  keyFields: readonly string[],
): Readonly<Record<string, BuiltStream>> {
  const taking = Object.entries(branches).map(([branch, predicate]) => {
    checkField(`${builder.where}: split("${name}")`, branch);
    if (branch === REST)
      throw builder.refuse(`split("${name}")`, `has a branch "${REST}", which is what no other takes`);
    return [branch, builder.function("split", `${name}.${branch}`, predicate)] as const;
  });
  if (taking.length === 0) throw builder.refuse(`split("${name}")`, "has no branch");
  const node = builder.add({ kind: "split", name, input, branches: taking });
  const names = [...taking.map(([branch]) => branch), REST];
  return Object.fromEntries(names.map((branch) => [branch, buildSide(builder, node, branch, keyFields)]));
}

function nodeOf(builder: Builder, name: string, other: BuiltStream | undefined): number {
  const here = other?.[NODE];
  if (here === undefined) throw builder.refuse(`union("${name}")`, "was not given a stream of this pipeline");
  return here();
}
