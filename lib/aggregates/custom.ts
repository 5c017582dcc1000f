import type { StandardSchemaV1 } from "@standard-schema/spec";
import { validate } from "../schema.ts";
import { isCopyOf, storableCopy } from "../state/storable.ts";
import { VersionedShape, type Versioned } from "../state/versions.ts";
import { aggregate, type Aggregate } from "./aggregate.ts";

export interface CustomAggregate<T, A, R> extends Versioned {
  /** Any synchronous Standard Schema: checks accumulators that come out of storage. */
  readonly state: StandardSchemaV1<unknown, A>;
  readonly init: () => A;
  /** The next accumulator; may change the one it is given, which is a copy. */
  readonly add: (accumulator: A, record: T) => A;
  readonly merge: (a: A, b: A) => A;
  readonly result: (accumulator: A) => R;
}

/**
 * An aggregate of one's own. Accumulators are stored: they are made of plain objects, arrays, strings, finite
 * numbers, bigints of 64 bits, booleans, null, Dates and byte arrays; a record whose accumulator is anything else is
 * poison.
 *
 * @example
 * const routes = custom<Departure, string[], number>({
 *   state: z.array(z.string()),
 *   init: () => [],
 *   add: (seen, d) => (seen.includes(d.destination) ? seen : [...seen, d.destination]),
 *   merge: (a, b) => [...new Set([...a, ...b])],
 *   result: (seen) => seen.length,
 * });
 *
 * @throws definition error `state/migration` for versions and migrations that do not lead to the present one
 */
export function custom<T, A, R>(of: CustomAggregate<T, A, R>): Aggregate<T, R> {
  const versions = new VersionedShape("custom()", "custom", of);
  /** A copy that came back as it was given, and what it is a copy of: most records change nothing of a maximum. */
  let unchanged: { readonly accumulator: A; readonly given: A } | undefined;
  return aggregate<T, T, A, R>({
    shape: versions.text,
    wayFrom: (shape) => versions.wayFrom(shape),
    isOwn: true,
    input: (record) => record,
    init: of.init,
    // X7: user code may change what it is given and then throw; the accumulator that is kept must not notice.
    add: (accumulator, record) => {
      const known = unchanged?.accumulator === accumulator ? unchanged : undefined;
      const given = known !== undefined && isCopyOf(known.given, accumulator) ? known.given : (copy(accumulator) as A);
      unchanged = undefined;
      const next = of.add(given, record);
      if (next !== given || !isCopyOf(next, accumulator)) return copy(next) as A;
      unchanged = { accumulator, given };
      return accumulator;
    },
    merge: (a, b) => copy(of.merge(copy(a) as A, copy(b) as A)) as A,
    result: (accumulator) => of.result(copy(accumulator) as A),
    restore: (stored) => validate(of.state, stored),
  });
}

const copy = (accumulator: unknown): unknown => storableCopy(accumulator, "An accumulator of a custom aggregate");
