import { aggregate, finite, inRange, isCount, restoring, type Aggregate } from "./aggregate.ts";
import { dividedBy, minus, plus, times, type DoubleDouble } from "./double-double.ts";

/** How many, their mean, and the sum of their squared distances from it. */
type Moments = readonly [count: number, mean: DoubleDouble, squares: DoubleDouble];

const ZERO: DoubleDouble = [0, 0];

/**
 * T. F. Chan, G. H. Golub, R. J. LeVeque, Updating formulae and a pairwise algorithm for computing sample variances,
 * COMPSTAT 1982; B. P. Welford's (Technometrics 4, 1962) is the case of one record. In twice the precision: in one, the
 * error grows with the mean's ratio to the deviation, and the result depends on how a stream is cut.
 */
function mergeMoments(a: Moments, b: Moments): Moments {
  if (a[0] === 0) return b;
  if (b[0] === 0) return a;
  const [n, mean, squares] = a;
  const [m, otherMean, otherSquares] = b;
  const distance = minus(otherMean, mean);
  const shift = dividedBy(times(distance, [m, 0]), n + m);
  const between = times(times(distance, shift), [n, 0]);
  return [n + m, plus(mean, shift), plus(plus(squares, otherSquares), between)];
}

/** @param result of the count and the sum of squared distances */
const moments = <T, R>(name: string, field: (record: T) => number, result: (n: number, squares: DoubleDouble) => R) => {
  const number = finite(name, field);
  const merge = (a: Moments, b: Moments): Moments => {
    const merged = mergeMoments(a, b);
    inRange(name, [...merged[1], ...merged[2]]);
    return merged;
  };
  return aggregate<T, Moments, Moments, R>({
    shape: "moments/1",
    input: (record) => [1, [number(record), 0], ZERO],
    init: () => [0, ZERO, ZERO],
    add: merge,
    merge,
    result: ([count, , squares]) => result(count, squares),
    restore: restoring("moments", isMoments),
  });
};

function isMoments(value: unknown): boolean {
  if (!Array.isArray(value) || value.length !== 3) return false;
  const [count, ...pairs] = value as unknown[];
  return (
    isCount(count) && pairs.every((pair) => Array.isArray(pair) && pair.length === 2 && pair.every(Number.isFinite))
  );
}

const over = (squares: DoubleDouble, n: number): number => dividedBy(squares, n)[0];

/**
 * The population's variance, as SQL's VAR_POP: the mean squared distance from the mean; 0 for one record.
 *
 * Exact to 1e-14 of itself, where numbers lie no further apart than 1e150 (beyond, a record is poison) and their distances
 * from the mean are 0 or more than 1e-140. NaN or an infinity is poison. Accumulator: five numbers, at most 48 bytes, the
 * same for all four of variance and deviation.
 */
export const varPop = <T>(field: (record: T) => number): Aggregate<T, number> =>
  moments("varPop", field, (n, squares) => over(squares, n));

/** The sample's variance, as SQL's VAR_SAMP: over n − 1; undefined for one record. Otherwise as {@link varPop}. */
export const varSamp = <T>(field: (record: T) => number): Aggregate<T, number | undefined> =>
  moments("varSamp", field, (n, squares) => (n === 1 ? undefined : over(squares, n - 1)));

/** The population's standard deviation, as SQL's STDDEV_POP: the root of {@link varPop}. */
export const stddevPop = <T>(field: (record: T) => number): Aggregate<T, number> =>
  moments("stddevPop", field, (n, squares) => Math.sqrt(over(squares, n)));

/** The sample's standard deviation, as SQL's STDDEV_SAMP: the root of {@link varSamp}; undefined for one record. */
export const stddevSamp = <T>(field: (record: T) => number): Aggregate<T, number | undefined> =>
  moments("stddevSamp", field, (n, squares) => (n === 1 ? undefined : Math.sqrt(over(squares, n - 1))));
