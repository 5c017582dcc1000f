import { aggregate, finite, type Aggregate } from "./aggregate.ts";

type Extreme = number | null;

const extreme = <T>(name: string, field: (record: T) => number, pick: (a: number, b: number) => number) => {
  const either = (a: Extreme, b: Extreme): Extreme => (a === null ? b : b === null ? a : pick(a, b));
  return aggregate<T, number, Extreme, number>({
    shape: `${name}/1`,
    input: finite(name, field),
    init: () => null,
    add: either,
    merge: either,
    // A window exists only once a record is in it, so there is an extreme.
    result: (value) => value as number,
  });
};

/** The smallest of a number of each record. NaN or an infinity is poison. */
export const min = <T>(field: (record: T) => number): Aggregate<T, number> => extreme("min", field, Math.min);

/** The largest of a number of each record. NaN or an infinity is poison. */
export const max = <T>(field: (record: T) => number): Aggregate<T, number> => extreme("max", field, Math.max);
