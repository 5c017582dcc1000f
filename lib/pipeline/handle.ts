import type { KeyValue } from "../state/key.ts";
import type { Node } from "./topology.ts";

declare const insideType: unique symbol;

/** Where a stream has the operator that it leaves. */
export const OPERATOR = Symbol("operator");

/** An operator as a typed handle, for tests that look inside: at what `I` describes. */
export interface Handle<out I = unknown> {
  readonly [insideType]?: () => I;
}

/** Records by a key `K`. */
export interface InsideKeyed<out K> {
  readonly kind: "keyed";
  readonly key: K;
}

/** Windows per key `K` that make rows `R`. */
export interface InsideWindow<out K, out R> {
  readonly kind: "window";
  readonly key: K;
  readonly row: R;
}

/** State `S` and timers `Tm` per key `K`, and state `O` per task, as they are declared. */
export interface InsideProcess<out K, out S, out Tm, out O = {}> {
  readonly kind: "process";
  readonly key: K;
  readonly state: S;
  readonly timers: Tm;
  readonly operatorState: O;
}

/** Ids per key `K`. */
export interface InsideDeduplicate<out K> {
  readonly kind: "deduplicate";
  readonly key: K;
}

/** Records `T` that wait, and versions of rows `V`, per key `K`. */
export interface InsideJoin<out K, out T, out V> {
  readonly kind: "join";
  readonly key: K;
  readonly record: T;
  readonly row: V;
}

/** What is looked up by `Q`, and found, `V`. */
export interface InsideEnrich<out Q extends KeyValue, out V> {
  readonly kind: "enrich";
  readonly key: Q;
  readonly found: V;
}

/** @returns nothing for what is no stream */
export const operatorOf = (handle: unknown): Node | undefined =>
  (handle as { readonly [OPERATOR]?: () => Node } | null | undefined)?.[OPERATOR]?.();
