import { wayFromShape, type Way } from "../state/versions.ts";
import { totalAggregate, type Aggregate, type AggregateOf, type TotalAggregate } from "./aggregate.ts";

/** What there is of something only if the predicate held: the aggregate's input, its accumulator. */
type Maybe = readonly [] | readonly [unknown];

/**
 * An aggregate of the records for which the predicate holds, as SQL's FILTER. Of no such record a count, a sum or a list
 * is what it is of none (0, []); what has no such value (a mean, an extreme) is undefined, as a `nullable` column takes it.
 *
 * Accumulator: the aggregate's, and a byte.
 *
 * @example
 * const delayed = filtered(count(), (d: Departure) => d.delay > 15);
 */
export function filtered<T, R>(
  of: TotalAggregate<NoInfer<T>, R>,
  predicate: (record: T) => boolean,
): TotalAggregate<T, R>;
export function filtered<T, R>(
  of: Aggregate<NoInfer<T>, R>,
  predicate: (record: T) => boolean,
): TotalAggregate<T, R | undefined>;
export function filtered<T, R>(
  of: Aggregate<T, R> | TotalAggregate<T, R>,
  predicate: (record: T) => boolean,
): TotalAggregate<T, R | undefined> {
  const { shape, input, init, add, merge, result, restore, wayFrom, isOwn } = of as unknown as AggregateOf<
    T,
    unknown,
    unknown,
    R
  >;
  const ofNone = "ofNone" in of ? of.ofNone : () => undefined;
  return totalAggregate<T, Maybe, Maybe, R | undefined>({
    shape: `filtered/1 (${shape})`,
    ...(isOwn && { isOwn }),
    input: (record, time) => (predicate(record) ? [input(record, time)] : []),
    init: () => [],
    add: (kept, passed) => (passed.length === 0 ? kept : [add(kept.length === 0 ? init() : kept[0], passed[0])]),
    merge: (a, b) => (a.length === 0 ? b : b.length === 0 ? a : [merge(a[0], b[0])]),
    result: (kept) => (kept.length === 0 ? ofNone() : result(kept[0])),
    ofNone,
    restore: (stored) => {
      if (!Array.isArray(stored) || stored.length > 1) throw new Error("it is not an accumulator or none");
      return stored.length === 0 || restore === undefined ? (stored as unknown as Maybe) : [restore(stored[0])];
    },
    wayFrom: (stored) => {
      const inner = /^filtered\/1 \((.*)\)$/.exec(stored)?.[1];
      if (inner === undefined) return wayFromShape("filtered/1", stored);
      return throughMaybe(wayFrom?.(inner) ?? wayFromShape(shape, inner));
    },
  });
}

/** What is migrated is what there is. */
function throughMaybe(way: Way): Way {
  if (way.kind !== "migrated") return way;
  const { migrate } = way;
  return {
    kind: "migrated",
    migrate: (stored) => (Array.isArray(stored) ? stored.map((one) => migrate(one)) : stored),
  };
}
