import type { Aggregate } from "../aggregates/aggregate.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { SinkDeclaration } from "./sink.ts";
import type { SourceDeclaration } from "./source.ts";

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
  | {
      readonly kind: "window";
      readonly name: string;
      readonly input: number;
      readonly assigner: WindowAssigner;
      readonly allowedLateness: number;
      readonly aggregates: Readonly<Record<string, Aggregate<never, unknown>>>;
    }
  /** The late records of the window that is its input. */
  | { readonly kind: "late"; readonly name: string; readonly input: number }
  | { readonly kind: "sink"; readonly name: string; readonly input: number; readonly sink: SinkDeclaration };

export type NodeOf<K extends Node["kind"]> = Extract<Node, { kind: K }>;

/** When a task's poison is no longer this record's fault but everyone's (X10). */
export interface PoisonPolicy {
  /** The share of poison, from 0 to 1, above which a task stops. 1 consents to any. */
  readonly share: number;
}

/** A pipeline: plain data until run. Nodes come after their inputs. */
export interface Pipeline {
  readonly kind: "pipeline";
  readonly name: string;
  readonly nodes: readonly Node[];
  readonly poison: PoisonPolicy;
}

export const nodesOf = <K extends Node["kind"]>(pipeline: Pipeline, kind: K): readonly NodeOf<K>[] =>
  pipeline.nodes.filter((node): node is NodeOf<K> => node.kind === kind);
