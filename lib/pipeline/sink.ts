import type { SinkEncoder } from "../operators/sink.ts";

declare const rowType: unique symbol;

/** What every sink has, whatever system it writes to. */
export interface SinkDeclaration extends SinkEncoder {
  readonly kind: "sink";
  readonly connector: string;
  /** The row that `encode` made a text of: its declared fields. */
  readonly decode: (body: string) => Readonly<Record<string, unknown>>;
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

/** `unknown` where rows `T` fit a sink of rows `R` exactly, else a type whose text says what does not fit. */
export type Accepts<T, R> = [T] extends [R]
  ? [Exclude<keyof T, keyof R>] extends [never]
    ? unknown
    : { "row fields without a column": Exclude<keyof T, keyof R> }
  : { "row does not fit the sink": Missing<T, R> };
