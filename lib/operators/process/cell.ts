import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError, messageOf } from "../../errors.ts";
import { validate } from "../../schema.ts";
import type { KeyValue } from "../../state/key.ts";
import { storableCopy } from "../../state/storable.ts";
import type { Stored } from "../../state/stored-value.ts";
import { VersionedShape, type Versioned } from "../../state/versions.ts";
import { toPositiveMillis, type Duration } from "../../time/duration.ts";

declare const cellType: unique symbol;

/** A part of a key's state as it is declared. */
export interface CellDeclaration {
  readonly kind: "value" | "list" | "map" | "reducing";
  /** Of values, elements or a map's values. */
  readonly schema: StandardSchemaV1;
  /** Of a map's keys. */
  readonly keySchema: StandardSchemaV1 | undefined;
  /** What is read where nothing is stored. */
  readonly initial: unknown;
  /** How two become one: a value and what is added to it, or what two tasks have whose shards were merged. */
  readonly reduce: ((a: never, b: never) => unknown) | undefined;
  /** Milliseconds of event time that an entry lives after it was last written; infinity for good. */
  readonly ttl: number;
  /** What stored values must agree with, or lead to. */
  readonly versions: VersionedShape;
}

/** A part of a key's state, which user code meets as a `C`. */
export interface Cell<out C> extends CellDeclaration {
  readonly [cellType]?: () => C;
}

/** The cells that a process function declares, by name. */
export interface CellDeclarations {
  readonly [name: string]: CellDeclaration;
}

/** What user code finds under the cells' names. */
export type Cells<S> = { readonly [P in keyof S]: S[P] extends Cell<infer C> ? C : never };

/** One value per key. */
export interface ValueCell<V, Absent = undefined> {
  /** @returns what was set last; the initial value, or undefined, where nothing is */
  get(): Stored<V> | Absent;
  set(value: Stored<V>): void;
  clear(): void;
}

/** A list per key. Each element is stored by itself, so that appending costs one element. */
export interface ListCell<V> {
  /** The elements, first appended first. */
  get(): readonly Stored<V>[];
  append(element: Stored<V>): void;
  /** Replaces all elements. */
  set(elements: readonly Stored<V>[]): void;
  clear(): void;
}

/** A map per key. Each entry is stored by itself, so that changing one costs one. */
export interface MapCell<M extends KeyValue, V> {
  get(key: M): Stored<V> | undefined;
  has(key: M): boolean;
  set(key: M, value: Stored<V>): void;
  delete(key: M): void;
  /** All entries, in an order that depends on their keys alone. */
  entries(): readonly (readonly [key: M, value: Stored<V>])[];
  keys(): readonly M[];
  clear(): void;
}

/** One value per key, made of all that was added. */
export interface ReducingCell<V, Absent = undefined> {
  get(): Stored<V> | Absent;
  add(value: Stored<V>): void;
  clear(): void;
}

/** A schema that takes what it gives: what is stored is checked by it again. */
export type StateSchema<S extends StandardSchemaV1> =
  StandardSchemaV1.InferOutput<S> extends StandardSchemaV1.InferInput<S>
    ? S
    : S & { "a state's schema must take what it gives": StandardSchemaV1.InferOutput<S> };

type Output<S extends StandardSchemaV1> = StandardSchemaV1.InferOutput<S>;

export interface CellOptions extends Versioned {
  /**
   * How long an entry lives after the event time at which it was last written: each value, list element or map entry
   * for itself. @default for good
   */
  readonly ttl?: Duration;
}

export interface InitialOptions<V> extends CellOptions {
  /** What is read where nothing is stored. */
  readonly initial: V;
}

export interface UniteOptions<V> {
  /** For `operatorState`: what becomes of two tasks' values when their shards are merged, the one of the lower range first. */
  readonly unite?: (a: Stored<V>, b: Stored<V>) => Stored<V>;
}

/**
 * One value per key. The schema checks what is set and what comes out of storage: it must take what it gives.
 *
 * @example
 * const balance = value(z.bigint(), { initial: 0n });
 * const lastSeen = value(z.number(), { ttl: { hours: 1 } });
 *
 * @throws definition error `state/cell` for an initial value that the schema refuses, or a bad time to live
 */
export function value<S extends StandardSchemaV1>(
  schema: StateSchema<S>,
  options: InitialOptions<Output<S>> & UniteOptions<Output<S>>,
): Cell<ValueCell<Output<S>, never>>;
export function value<S extends StandardSchemaV1>(
  schema: StateSchema<S>,
  options?: CellOptions & UniteOptions<Output<S>>,
): Cell<ValueCell<Output<S>>>;
export function value(
  schema: StandardSchemaV1,
  options: Partial<InitialOptions<unknown>> & { readonly unite?: CellDeclaration["reduce"] } = {},
): CellDeclaration {
  const { unite: reduce } = options;
  if (reduce !== undefined && typeof reduce !== "function") throw bad("value", "has a unite that is no function");
  return declare({ kind: "value", schema, ...optionsOf("value", schema, options), reduce });
}

/**
 * A list per key.
 *
 * @example
 * const lastFares = list(z.number(), { ttl: { hours: 1 } });
 *
 * @throws definition error `state/cell` for a bad schema or time to live
 */
export function list<S extends StandardSchemaV1>(
  schema: StateSchema<S>,
  options: CellOptions = {},
): Cell<ListCell<Output<S>>> {
  return declare({ kind: "list", schema, ...optionsOf("list", schema, options) });
}

/**
 * A map per key, whose own keys are strings, numbers, bigints or booleans.
 *
 * @example
 * const rides = map(z.string(), z.object({ fare: z.number() }));
 *
 * @throws definition error `state/cell` for a bad schema or time to live
 */
export function map<M extends StandardSchemaV1<unknown, KeyValue>, S extends StandardSchemaV1>(
  keySchema: StateSchema<M>,
  schema: StateSchema<S>,
  options: CellOptions = {},
): Cell<MapCell<Output<M>, Output<S>>> {
  checkSchema("map", keySchema);
  return declare({ kind: "map", schema, ...optionsOf("map", schema, options), keySchema });
}

/**
 * One value per key, made of all that was added by a function of two.
 *
 * @example
 * const total = reducing(z.bigint(), (a, b) => a + b, { initial: 0n });
 *
 * @throws definition error `state/cell` for a bad schema, initial value or time to live
 */
export function reducing<S extends StandardSchemaV1>(
  schema: StateSchema<S>,
  reduce: (a: Stored<Output<S>>, b: Stored<Output<S>>) => Stored<Output<S>>,
  options: InitialOptions<Output<S>>,
): Cell<ReducingCell<Output<S>, never>>;
export function reducing<S extends StandardSchemaV1>(
  schema: StateSchema<S>,
  reduce: (a: Stored<Output<S>>, b: Stored<Output<S>>) => Stored<Output<S>>,
  options?: CellOptions,
): Cell<ReducingCell<Output<S>>>;
export function reducing(
  schema: StandardSchemaV1,
  reduce: (a: never, b: never) => unknown,
  options: Partial<InitialOptions<unknown>> = {},
): CellDeclaration {
  if (typeof reduce !== "function") throw bad("reducing", "was not given a function of two values");
  return declare({ kind: "reducing", schema, ...optionsOf("reducing", schema, options), reduce });
}

function declare(
  of: Pick<CellDeclaration, "kind" | "schema" | "initial" | "ttl" | "versions"> & Partial<CellDeclaration>,
): CellDeclaration {
  return { keySchema: undefined, reduce: undefined, ...of };
}

function optionsOf(kind: string, schema: StandardSchemaV1, options: Partial<InitialOptions<unknown>>) {
  const { initial, ttl } = options;
  checkSchema(kind, schema);
  return {
    initial: initial === undefined ? undefined : checkedInitial(kind, schema, initial),
    ttl: ttl === undefined ? Number.POSITIVE_INFINITY : toPositiveMillis(ttl, `${kind}().ttl`),
    versions: new VersionedShape(`State ${kind}()`, kind, options),
  };
}

function checkedInitial(kind: string, schema: StandardSchemaV1, initial: unknown): unknown {
  try {
    return storableCopy(validate(schema, initial), "The initial value");
  } catch (cause) {
    throw bad(kind, `has an initial value that cannot be: ${messageOf(cause)}`, cause);
  }
}

function checkSchema(kind: string, schema: StandardSchemaV1): void {
  if (typeof schema?.["~standard"]?.validate === "function") return;
  throw bad(kind, "was not given a Standard Schema", undefined);
}

const bad = (kind: string, problem: string, cause?: unknown) =>
  definitionError({ code: "state/cell", message: `State ${kind}(): it ${problem}.`, cause });
