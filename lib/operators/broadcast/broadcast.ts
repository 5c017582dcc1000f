import { poisonError } from "../../errors.ts";
import type { KeyValue } from "../../state/key.ts";
import type { Stored } from "../../state/stored-value.ts";
import type { VersionedShape } from "../../state/versions.ts";

declare const valueType: unique symbol;
declare const keyType: unique symbol;

/** A stream that every task of the stages that read it keeps as a table: of values `V`, by keys `Q`. */
export interface Broadcast<out V, in Q extends KeyValue> {
  readonly kind: "broadcast";
  readonly name: string;
  readonly [valueType]?: () => V;
  readonly [keyType]?: (key: Q) => void;
}

/** The broadcast streams that a process function reads, by name. */
export interface BroadcastDeclarations {
  readonly [name: string]: Broadcast<unknown, never>;
}

/** A broadcast stream as a process function finds it: the newest value of each key, by event time. */
export interface BroadcastTable<V, Q extends KeyValue> {
  get(key: Q): Stored<V> | undefined;
  has(key: Q): boolean;
  /** All values, in no order. */
  values(): readonly Stored<V>[];
  /** All keys with their values, in no order. */
  entries(): readonly (readonly [key: Q, value: Stored<V>])[];
}

/** What user code finds under the broadcast streams' names. */
export type BroadcastTables<B> = {
  readonly [P in keyof B]: B[P] extends Broadcast<infer V, infer Q> ? BroadcastTable<V, Q> : never;
};

/** A broadcast stream as the runtime knows it. */
export interface BroadcastSpec {
  readonly name: string;
  readonly key: (value: never) => KeyValue;
  /** Says of a value that its key is there no more; undefined where nothing is removed. */
  readonly removes: ((value: never) => boolean) | undefined;
  /** Milliseconds of event time that a removal is known. */
  readonly keepRemoved: number;
  /** What stored values must agree with, or lead to. */
  readonly versions: VersionedShape;
  /** The version of values that are sent. */
  readonly version: number;
}

/** A broadcast key's one field: of an element's key, and in dead letters. */
export const KEY_FIELD = "key";

/** What versions of a broadcast stream's values are named by. */
export const BROADCAST = "broadcast";

/** For a value that is older than what is known of removals. */
export const tooLate = ({ name, keepRemoved }: Pick<BroadcastSpec, "name" | "keepRemoved">) =>
  poisonError({
    code: "broadcast/late",
    message: `A value for broadcast("${name}") comes more than ${keepRemoved} ms of event time late: removals that old may be forgotten.`,
    advice: "Put it into the source again with the present time, or raise keepRemoved.",
  });
