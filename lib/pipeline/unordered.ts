import type { KeyValue } from "../state/key.ts";
import type { Builder } from "./builder.ts";
import type { EnrichOptions } from "./enrich.ts";
import type { Handle, InsideEnrich } from "./handle.ts";
import type { MetricOptions } from "./metric.ts";
import type { Accepts, AcceptsKey, Sink, SinkRow } from "./sink.ts";
import { inputsOf, type Node } from "./topology.ts";

/**
 * Values of type `T` that came in no order: what a queue gives. Each goes through on its own, at least once, and what comes of
 * it has the same ids each time. What needs order, a position or state is not here: send the values to a `stream`, and read that.
 *
 * Functions are as those of a {@link Stream}.
 */
export interface UnorderedStream<T> {
  /** Keeps the values for which the predicate holds. */
  filter<U extends T>(name: string, predicate: (value: T) => value is U): UnorderedStream<U>;
  filter(name: string, predicate: (value: T) => boolean): UnorderedStream<T>;
  /** One value for one. */
  map<U>(name: string, change: (value: T) => U): UnorderedStream<U>;
  /** Any number of values for one: an array, or a generator. */
  flatMap<U>(name: string, expand: (value: T) => Iterable<U>): UnorderedStream<U>;
  /** Sends each value to the first branch whose predicate holds, or to `rest`. Branches that are not used drop theirs. */
  split<const B extends { readonly [branch: string]: (value: T) => boolean }>(
    name: string,
    branches: B & { readonly rest?: "what no other branch takes" },
  ): { readonly [P in keyof B | "rest"]: UnorderedStream<T> };
  /** This stream and others of the same values as one. Others may have an order; what comes of them all has none. */
  union(name: string, ...others: readonly UnorderedStream<T>[]): UnorderedStream<T>;
  /** Adds to each value what a service or a table says of it, as {@link Stream} does. */
  enrich<Q extends KeyValue, V, R>(
    name: string,
    options: EnrichOptions<T, Q, V, R>,
  ): UnorderedStream<R> & Handle<InsideEnrich<Q, V>>;
  /** Adds up what values say, for CloudWatch: what comes twice counts twice. */
  metric(name: string, options?: MetricOptions<T>): this;
  /** Sends every value to a sink whose columns it fits; what does not fit does not compile. */
  to<S extends Sink<never>>(sink: S & Accepts<T, SinkRow<S>> & AcceptsKey<never, S>): this;
}

/** What needs an order, positions or state of the records that come to it. */
const NEEDS_ORDER: Partial<Record<Node["kind"], string>> = {
  keyBy: "sends on by positions, so that nothing comes twice",
  broadcast: "sends on by positions, so that nothing comes twice",
  window: "keeps state",
  process: "keeps state",
  deduplicate: "keeps state",
};

/** Refuses an operator that asks more of a source than it has. @throws definition error `pipeline/invalid` naming both */
export function refuseUnordered(builder: Builder, node: Node): void {
  const why = NEEDS_ORDER[node.kind];
  if (why === undefined) return;
  const roots = inputsOf(node).flatMap((input) => [...builder.rootsOf(input)]);
  const root = roots
    .map((index) => builder.nodeAt(index))
    .find((one) => one.kind === "source" && one.source.isUnordered);
  if (root?.kind !== "source") return;
  throw builder.refuse(
    `${node.kind}("${node.name}")`,
    `${why}, and records of ${root.source.connector}("${root.name}") have no order and no positions`,
    "Send them to a stream(…) with a key, and read that by kinesis(…) in another pipeline: docs/sources.md.",
  );
}
