import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError } from "../errors.ts";
import { toMillis, toPositiveMillis, type Duration } from "../time/duration.ts";
import type { Instant } from "../time/instant.ts";
import type { KeyRow, KeySpec, KeyValues } from "../state/key.ts";
import { checkField, checkName } from "./names.ts";

declare const recordType: unique symbol;
declare const keyType: unique symbol;
declare const producedType: unique symbol;

/** What every source has, whatever system it reads from. Plain data and pure functions. */
export interface SourceDeclaration {
  readonly kind: "source";
  readonly connector: string;
  readonly name: string;
  readonly schema: StandardSchemaV1;
  /** The key that producers partition by; without fields when they declare none. */
  readonly key: KeySpec<never>;
  readonly keyFields: readonly string[];
  /** How many partitions keys are dealt out to, where that says which one a key is on: it stays. */
  readonly partitions?: number | undefined;
  readonly eventTime: (record: never) => Instant;
  /** Milliseconds by which a record may come behind the largest event time before it. */
  readonly disorder: number;
  /** Milliseconds by which a record's event time may be ahead of its arrival; infinity when unbounded. */
  readonly maxFuture: number;
  /** Milliseconds of silence after which event time moves by itself; infinity when never. */
  readonly idle: number;
  /** A record's W3C `traceparent`; undefined where records are not traced. */
  readonly trace: ((record: never) => string | undefined) | undefined;
  /** There for a source whose records have no order and no positions: a queue. No task keeps state of them. */
  readonly isUnordered?: true;
}

/**
 * A source as a typed handle: of records `T`, partitioned by a key `K`. Producers send what the schema takes, `P`, as
 * JSON has it.
 */
export interface Source<out T, out K = never, in P = T> extends SourceDeclaration {
  readonly [recordType]?: () => T;
  readonly [keyType]?: () => K;
  readonly [producedType]?: (produced: P) => void;
}

/** A source of records `T` that have no order and no positions: what follows it keeps no state (docs/sources.md). */
export interface UnorderedSource<out T, in P = T> extends Source<T, never, P> {
  readonly isUnordered: true;
  /** What tells a record from all others; undefined where its source's own id does. */
  readonly idOf: ((record: never) => string) | undefined;
}

/** The settings that all sources without order share. */
export interface UnorderedOptions<S extends StandardSchemaV1> extends Pick<SourceOptions<S, {}>, "schema" | "trace"> {
  /**
   * What tells an event from all others, for ever: then what its producer sends twice comes out under the same ids, however
   * much later. @default the id that its source gave it
   */
  readonly id?: (record: StandardSchemaV1.InferOutput<S>) => string;
}

/** The settings that all sources share. */
export interface SourceOptions<S extends StandardSchemaV1, K extends KeyValues> {
  /** Any synchronous Standard Schema (zod, valibot, arktype …). What it refuses becomes a dead letter. */
  readonly schema: S;
  /**
   * The key that producers use as partition key, by field. `byKey` then costs nothing. Records whose
   * partition key is another become dead letters.
   */
  readonly key?: { readonly [P in keyof K]: (record: StandardSchemaV1.InferOutput<S>) => K[P] };
  /** When it happened: epoch milliseconds or a Date. */
  readonly eventTime: (record: StandardSchemaV1.InferOutput<S>) => Instant;
  /** How far a record may come behind the largest event time seen before it in its partition. */
  readonly disorder: Duration;
  /** How far an event time may be ahead of the record's arrival; beyond it is a dead letter. @default 1 hour */
  readonly maxFuture?: Duration | "unbounded";
  /** After how long a silence of a partition event time moves on with the wall clock. @default 5 minutes */
  readonly idle?: Duration | "never";
  /**
   * The W3C `traceparent` that the producer put into the record. Of those that are sampled, log lines tell what became of
   * them in every stage (docs/observability.md). What is none, or throws, is no trace. @default no record is traced
   */
  readonly trace?: (record: StandardSchemaV1.InferOutput<S>) => string | undefined;
}

/** Checks a source's settings. For connectors. @throws definition errors */
export function declareSource<S extends StandardSchemaV1, K extends KeyValues>(
  connector: string,
  name: string,
  options: SourceOptions<S, K>,
): SourceDeclaration {
  const what = `${connector}("${name}")`;
  checkName(`A ${connector} source`, name);
  if (typeof options.schema?.["~standard"]?.validate !== "function") {
    throw definitionError({
      code: "source/schema",
      message: `${what}: the schema is not a Standard Schema.`,
      advice: "Use zod, valibot, arktype or anything that has a `~standard` property.",
    });
  }
  const keyFields = Object.keys(options.key ?? {});
  for (const field of keyFields) checkField(`${what}: the key`, field);
  if (options.key !== undefined && keyFields.length === 0) {
    throw definitionError({
      code: "source/key",
      message: `${what}: the key has no field.`,
      advice: "Name one, or leave the key out.",
    });
  }
  return {
    kind: "source",
    connector,
    name,
    schema: options.schema,
    key: options.key ?? {},
    keyFields,
    eventTime: options.eventTime,
    disorder: toMillis(options.disorder, `${what}.disorder`),
    maxFuture: boundOf(options.maxFuture ?? { hours: 1 }, "unbounded", `${what}.maxFuture`),
    idle: boundOf(options.idle ?? { minutes: 5 }, "never", `${what}.idle`),
    trace: options.trace,
  };
}

/** Checks the settings of a source without order, of which nothing is late and nothing early. For connectors. @throws definition errors */
export function declareUnordered<S extends StandardSchemaV1>(
  connector: string,
  name: string,
  { id, ...options }: UnorderedOptions<S>,
): SourceDeclaration & Pick<UnorderedSource<never>, "isUnordered" | "idOf"> {
  if (id !== undefined && typeof id !== "function") {
    throw definitionError({ code: "source/id", message: `${connector}("${name}"): the id is not a function.` });
  }
  return {
    ...declareSource(connector, name, {
      ...options,
      eventTime: () => 0, // nothing that may follow asks for it
      disorder: { millis: 0 },
      maxFuture: "unbounded",
      idle: "never",
    }),
    isUnordered: true,
    idOf: id,
  };
}

const boundOf = (bound: Duration | string, none: string, what: string): number =>
  bound === none ? Number.POSITIVE_INFINITY : toPositiveMillis(bound as Duration, what);

/** A source's key type, or `never` where it declares none. */
export type SourceKey<K> = [keyof K] extends [never] ? never : { readonly [P in keyof K]: K[P] };

export type { KeyRow, KeySpec, KeyValues };
