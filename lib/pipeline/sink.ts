import type { DeliveryPolicy } from "../operators/backpressure.ts";
import type { SinkEncoder } from "../operators/sink.ts";

declare const rowType: unique symbol;

/** What every sink has, whatever system it writes to. */
export interface SinkDeclaration extends SinkEncoder {
  readonly kind: "sink";
  readonly connector: string;
  /** How its outputs are delivered. @default DELIVERY_POLICY */
  readonly delivery?: DeliveryPolicy;
  /** The row that `encode` made a text of: its declared fields. */
  readonly decode: (body: string) => Readonly<Record<string, unknown>>;
  /**
   * Fields that have all of the key that the rows' stream is partitioned by, where the sink needs that: then whatever it keeps
   * by them is written by one lineage of tasks, and is in the order of their commits.
   */
  readonly keyedBy?: readonly string[] | undefined;
}

/** A sink as a typed handle: of rows `R`. */
export interface Sink<in R> extends SinkDeclaration {
  readonly [rowType]?: (row: R) => void;
}

export type SinkRow<S> = S extends Sink<infer R> ? R : never;

type Missing<T, R> = {
  [P in keyof R as P extends keyof T ? (T[P] extends R[P] ? never : P) : object extends Pick<R, P> ? never : P]: {
    sinkWants: R[P];
    rowHas: P extends keyof T ? T[P] : "no such field";
  };
};

type KeysOf<R> = R extends unknown ? keyof R : never;

/** `unknown` where rows `T` fit a sink of rows `R` exactly, else a type whose text says what does not fit. */
export type Accepts<T, R> = [T] extends [R]
  ? [Exclude<keyof T, KeysOf<R>>] extends [never]
    ? unknown
    : { "row fields without a column": Exclude<keyof T, KeysOf<R>> }
  : { "row does not fit the sink": Missing<T, R> };

/** `unknown` where the key `K` of a stream is within what a sink `S` needs it to be in, else a type whose text says what is not. */
export type AcceptsKey<K, S> = S extends { readonly keyedBy: readonly (infer F)[] }
  ? [K] extends [never]
    ? { "the sink needs a stream with a key, or a version": F }
    : [Exclude<keyof K, F>] extends [never]
      ? unknown
      : { "fields of the stream's key that are not in the sink's": Exclude<keyof K, F> }
  : unknown;
