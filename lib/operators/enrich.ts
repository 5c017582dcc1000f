import type { StandardSchemaV1 } from "@standard-schema/spec";
import { poisonError, type MillraceError } from "../errors.ts";
import { encodeKey, type KeyValue } from "../state/key.ts";
import type { BreakerPolicy } from "./backpressure.ts";
import type { OperatorContext, Push } from "./operator.ts";
import { refusePromise } from "./stateless.ts";

/** What a lookup gave: a value, undefined included, or why there is none. */
export type Answer = { readonly value: unknown } | { readonly failure: MillraceError };

/** What to do when a lookup fails: all of the batch again, a dead letter of the record, or a value in its place. */
export type LookupFailure = "retry" | "dead-letter" | { readonly use: unknown };

/** An operator that looks something up for each of its values, before the fold. */
export interface EnrichSpec {
  readonly name: string;
  /** What to look up; undefined for nothing. */
  readonly key: (value: never) => KeyValue | undefined;
  readonly lookup:
    | {
        readonly kind: "call";
        readonly call: (key: never, options: { readonly signal: AbortSignal }) => unknown;
      }
    | { readonly kind: "table"; readonly table: string; readonly schema: StandardSchemaV1 };
  /** The value with what was found. */
  readonly with: (value: never, found: never) => unknown;
  /** How many lookups are under way at once, in one process. */
  readonly concurrency: number;
  /** Milliseconds after which a lookup has failed. */
  readonly timeout: number;
  /** How many answers are kept, and for how many milliseconds. */
  readonly cache: { readonly entries: number; readonly ttl: number } | undefined;
  readonly onFailure: LookupFailure;
  /** When the lookups are left alone. */
  readonly breaker?: BreakerPolicy;
}

/** What {@link EnrichSpec.key} says of a value. */
export function lookupKeyOf({ name, key }: EnrichSpec, value: unknown): KeyValue | undefined {
  const found = (key as (value: unknown) => KeyValue | undefined)(value);
  refusePromise(name, found);
  return found;
}

/** The value with what was found for it. @throws poison errors for a lookup that failed */
export function enriched({ name, with: combine, onFailure }: EnrichSpec, value: unknown, answer: Answer): unknown {
  if ("failure" in answer && typeof onFailure !== "object") throw answer.failure;
  const found = "failure" in answer ? (onFailure as { readonly use: unknown }).use : answer.value;
  const row = (combine as (value: unknown, found: unknown) => unknown)(value, found);
  refusePromise(name, row);
  return row;
}

const NOTHING: Answer = { value: undefined };

/** Adds to each value what was looked up for it before the fold began. */
export function enrichOperator(spec: EnrichSpec, context: OperatorContext, next: Push): Push {
  const { name } = spec;
  const counts = context.state.counters.of(name);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    const key = lookupKeyOf(spec, value);
    const answer = key === undefined ? NOTHING : context.answerOf(name, encodeKey({ key }));
    if (answer === undefined) throw notPrepared(name);
    next(enriched(spec, value, answer), meta);
  };
}

const notPrepared = (name: string) =>
  poisonError({
    code: "enrich/not-prepared",
    message: `Operator "${name}" was asked for a key that it had not looked up before the fold.`,
    advice:
      "The key, and all functions before it, depend on the record alone: not on time, chance or what came before.",
  });
