import type { Aggregate } from "../aggregates/aggregate.ts";
import type { BroadcastSpec } from "../operators/broadcast/broadcast.ts";
import type { EnrichSpec } from "../operators/enrich.ts";
import type { EvolvingShape } from "../operators/evolution/state-shape.ts";
import type { TableSpec } from "../operators/join/table-change.ts";
import type { MetricSpec } from "../operators/metric.ts";
import type { ProcessDefinition } from "../operators/process/process-function.ts";
import type { KeySpec, KeyValue } from "../state/key.ts";
import type { VersionedShape } from "../state/versions.ts";
import type { CheckedTrigger } from "../windows/trigger.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { SinkDeclaration } from "./sink.ts";
import type { SourceDeclaration } from "./source.ts";
import type { TableDeclaration } from "./table.ts";

/** One step of a pipeline. `input` is the index of the node before it. */
export type Node =
  | { readonly kind: "source"; readonly name: string; readonly source: SourceDeclaration }
  | {
      readonly kind: "filter";
      readonly name: string;
      readonly input: number;
      readonly predicate: (value: never) => boolean;
    }
  | { readonly kind: "map"; readonly name: string; readonly input: number; readonly change: (value: never) => unknown }
  | {
      readonly kind: "flatMap";
      readonly name: string;
      readonly input: number;
      readonly expand: (value: never) => Iterable<unknown>;
    }
  /** Sends each value to the first branch that takes it, or to the branch `rest`; branches are its sides. */
  | {
      readonly kind: "split";
      readonly name: string;
      readonly input: number;
      readonly branches: readonly (readonly [name: string, predicate: (value: never) => boolean])[];
    }
  /** What was looked up before the fold is added to each value. */
  | {
      readonly kind: "enrich";
      readonly name: string;
      readonly input: number;
      readonly spec: EnrichSpec;
      /** Undefined where a function is called. */
      readonly table: TableDeclaration | undefined;
    }
  /** Several streams as one. */
  | { readonly kind: "union"; readonly name: string; readonly inputs: readonly number[] }
  /** Another key: what follows is another stage, behind an internal stream. */
  | {
      readonly kind: "keyBy";
      readonly name: string;
      readonly input: number;
      readonly key: KeySpec<never>;
      readonly keyFields: readonly string[];
      /** Whether a batch's records may be aggregated before they are sent, where what follows allows it. */
      readonly preAggregate: boolean;
      /** Where what follows are joins, which keep its values as a table. */
      readonly table?: TableSpec;
    }
  /** Every task of the stages that read it keeps it as a table. */
  | { readonly kind: "broadcast"; readonly name: string; readonly input: number; readonly spec: BroadcastSpec }
  | {
      readonly kind: "window";
      readonly name: string;
      readonly input: number;
      readonly keyFields: readonly string[];
      readonly assigner: WindowAssigner;
      readonly allowedLateness: number;
      /** Undefined for one row per window. */
      readonly trigger: CheckedTrigger | undefined;
      readonly aggregates: Readonly<Record<string, Aggregate<never, unknown>>>;
      /** The version of the set of aggregates, and how it came about. */
      readonly evolution: Pick<EvolvingShape, "version" | "changes">;
      /** Names that the operator had. */
      readonly was: readonly string[];
    }
  | {
      readonly kind: "process";
      readonly name: string;
      readonly input: number;
      /** The stream that it is connected with, if it is. */
      readonly other: number | undefined;
      /** The broadcast streams that it reads, by the names that it has for them. */
      readonly broadcasts: Readonly<Record<string, number>>;
      readonly keyFields: readonly string[];
      readonly definition: ProcessDefinition;
      /** Names that the operator had. */
      readonly was: readonly string[];
    }
  | {
      readonly kind: "deduplicate";
      readonly name: string;
      readonly input: number;
      readonly keyFields: readonly string[];
      readonly id: (value: never) => KeyValue;
      /** Milliseconds. */
      readonly within: number;
      /** Names that the operator had. */
      readonly was: readonly string[];
    }
  /** Each record with the version of its row that was valid at its time. */
  | {
      readonly kind: "join";
      readonly name: string;
      readonly input: number;
      /** The `keyBy` of the table's changes. */
      readonly other: number;
      readonly keyFields: readonly string[];
      readonly table: TableSpec;
      readonly combine: (record: never, row: never) => unknown;
      readonly type: "left" | "inner";
      /** Milliseconds. */
      readonly allowedLateness: number;
      readonly versions: VersionedShape;
      /** Names that the operator had. */
      readonly was: readonly string[];
    }
  /** Sums up what its input's values say, and passes nothing on. */
  | { readonly kind: "metric"; readonly name: string; readonly input: number; readonly spec: MetricSpec }
  /** What leaves its input beside the rows: a window's late records, a branch of a split, a side output. Named `input.side`. */
  | { readonly kind: "side"; readonly name: string; readonly input: number; readonly side: string }
  | { readonly kind: "sink"; readonly name: string; readonly input: number; readonly sink: SinkDeclaration };

export type NodeOf<K extends Node["kind"]> = Extract<Node, { kind: K }>;

/** The indexes of the nodes before a node. */
export function inputsOf(node: Node): readonly number[] {
  if (node.kind === "source") return [];
  if (node.kind === "union") return node.inputs;
  const other = otherOf(node);
  return other === undefined ? [node.input] : [node.input, other];
}

/** The index of the node whose stream an operator reads beside its own. */
export const otherOf = (node: Node): number | undefined =>
  node.kind === "process" || node.kind === "join" ? node.other : undefined;

/** The broadcast streams that a node reads beside its inputs. */
export const broadcastsReadBy = (node: Node): readonly number[] =>
  node.kind === "process" ? Object.values(node.broadcasts) : [];

/** When a task's poison is no longer this record's fault but everyone's (X10). */
export interface PoisonPolicy {
  /** The share of poison, from 0 to 1, above which a task stops. 1 consents to any. */
  readonly share: number;
}

/** A pipeline: plain data until run. Nodes come after their inputs. `H` is what was returned where it was built. */
export interface Pipeline<out H = unknown> {
  readonly kind: "pipeline";
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly poison: PoisonPolicy;
  /** Operators whose state goes. */
  readonly dropped: readonly string[];
  /** For tests that look inside. */
  readonly handles: H;
}

export const nodesOf = <K extends Node["kind"]>(pipeline: Pipeline, kind: K): readonly NodeOf<K>[] =>
  pipeline.nodes.filter((node): node is NodeOf<K> => node.kind === kind);
