import { definitionError } from "../errors.ts";
import { aggregate, checkSetting, finite, type Aggregate } from "./aggregate.ts";
import { isSketch, mergeSketches, quantileOf, sketchOf, type DDSketch, type Resolution } from "./ddsketch.ts";

export interface PercentileOptions {
  /** How far a result may be from the true percentile, as a part of it: from 0.001 to 0.2. @default 0.01 */
  readonly accuracy?: number;
  /**
   * The most bins for positive numbers, and for negative ones: from 64 to 8,192. Numbers of one sign that lie within a
   * ratio of e^(2 × accuracy × bins) of each other never need more: 7.9e8 by default. @default 1,024
   */
  readonly bins?: number;
}

const [LEAST_BINS, MOST_BINS] = [64, 8192];

/**
 * A percentile of a number of each record, about, as Athena's approx_percentile: within `accuracy` (1 %) of the number
 * that PERCENTILE_DISC gives, the one of rank ⌈quantile × count⌉ of all sorted. The first and the last rank are exact;
 * numbers closer to 0 than 2.2e-308 count as 0.
 *
 * Where numbers of one sign need more bins than there are, those nearest to 0 share one, and percentiles that fall there
 * are not within the accuracy; all others are. NaN or an infinity is poison.
 *
 * Accumulator: two numbers for each bin that is not empty, 4 to 8 bytes, and at most 30 bytes more. With
 * {@link approxPercentiles} several percentiles share one.
 *
 * @param quantile from 0 to 1: 0.5 is the median
 * @throws definition error `aggregate/setting`
 * @example
 * const p99 = approxPercentile((d: Departure) => d.delay, 0.99);
 */
export const approxPercentile = <T>(
  field: (record: T) => number,
  quantile: number,
  options: PercentileOptions = {},
): Aggregate<T, number> => {
  const name = "approxPercentile";
  checkQuantile(name, quantile);
  return percentiles(name, field, options, (sketch, accuracy) => quantileOf(sketch, quantile, accuracy));
};

/**
 * Several percentiles from one accumulator: an object with a number for each. See {@link approxPercentile}.
 *
 * @param quantiles by name
 * @example
 * const delays = approxPercentiles((d: Departure) => d.delay, { median: 0.5, p95: 0.95 });
 */
export const approxPercentiles = <T, const Q extends { readonly [name: string]: number }>(
  field: (record: T) => number,
  quantiles: Q,
  options: PercentileOptions = {},
): Aggregate<T, { readonly [N in keyof Q]: number }> => {
  const name = "approxPercentiles";
  for (const quantile of Object.values(quantiles)) checkQuantile(name, quantile);
  return percentiles(
    name,
    field,
    options,
    (sketch, accuracy) =>
      Object.fromEntries(
        Object.entries(quantiles).map(([key, quantile]) => [key, quantileOf(sketch, quantile, accuracy)]),
      ) as { readonly [N in keyof Q]: number },
  );
};

function percentiles<T, R>(
  name: string,
  field: (record: T) => number,
  { accuracy = 0.01, bins = 1024 }: PercentileOptions,
  result: (sketch: DDSketch, accuracy: number) => R,
): Aggregate<T, R> {
  checkSetting(name, "bins", bins, MOST_BINS);
  if (bins < LEAST_BINS) throw wrongSetting(name, `bins ${bins} is less than ${LEAST_BINS}`);
  if (!(accuracy >= 0.001 && accuracy <= 0.2))
    throw wrongSetting(name, `accuracy ${accuracy} is not from 0.001 to 0.2`);
  const resolution: Resolution = { accuracy, bins };
  const number = finite(name, field);
  const merge = (a: DDSketch | null, b: DDSketch | null): DDSketch | null =>
    a === null ? b : b === null ? a : mergeSketches(a, b, resolution);
  return aggregate<T, DDSketch, DDSketch | null, R>({
    shape: `ddsketch/1 ${accuracy} ${bins}`,
    input: (record) => sketchOf(number(record), resolution),
    init: () => null,
    add: merge,
    merge,
    result: (sketch) => result(sketch!, accuracy),
    restore: (stored) => {
      if (stored !== null && !isSketch(stored, resolution)) throw new Error("it is not a sketch");
      return stored as DDSketch | null;
    },
  });
}

function checkQuantile(name: string, quantile: number): void {
  if (!(quantile >= 0 && quantile <= 1)) throw wrongSetting(name, `quantile ${quantile} is not from 0 to 1`);
}

const wrongSetting = (name: string, what: string) =>
  definitionError({ code: "aggregate/setting", message: `${name}(): ${what}.` });
