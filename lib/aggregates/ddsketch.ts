/**
 * How many numbers are in each bin: [key, count, key, count, …] by ascending key. Bin k holds the numbers x with
 * γ^(k−1) < |x| ≤ γ^k, and stands for 2γ^k / (γ + 1), which is within `accuracy` of all of them.
 */
type Bins = readonly number[];

/**
 * Numbers, of which only quantiles are of interest. What it is depends on the numbers alone, not on the order in which they
 * came or sketches were merged: counts are whole, and of more than `bins` keys of one sign the lowest are always those that
 * are one.
 *
 * C. Masson, J. E. Rim, H. K. Lee, DDSketch: a fast and fully-mergeable quantile sketch with relative-error guarantees,
 * PVLDB 12 (2019), with sparse bins.
 */
export type DDSketch = readonly [least: number, most: number, zeros: number, negative: Bins, positive: Bins];

export interface Resolution {
  /** The relative error of a quantile. */
  readonly accuracy: number;
  /** The most bins for numbers of one sign. */
  readonly bins: number;
}

/** Below it numbers have fewer bits, and the relative error cannot be kept. */
const LEAST_NORMAL = 2.2250738585072014e-308;

const logOfGamma = (accuracy: number): number => Math.log1p((2 * accuracy) / (1 - accuracy));

export function sketchOf(value: number, { accuracy }: Resolution): DDSketch {
  const size = Math.abs(value);
  if (size < LEAST_NORMAL) return [value, value, 1, [], []];
  const bin = [Math.ceil(Math.log(size) / logOfGamma(accuracy)) + 0, 1]; // not −0
  return value < 0 ? [value, value, 0, bin, []] : [value, value, 0, [], bin];
}

export function mergeSketches(a: DDSketch, b: DDSketch, { bins }: Resolution): DDSketch {
  return [
    Math.min(a[0], b[0]),
    Math.max(a[1], b[1]),
    a[2] + b[2],
    mergeBins(a[3], b[3], bins),
    mergeBins(a[4], b[4], bins),
  ];
}

function mergeBins(a: Bins, b: Bins, most: number): Bins {
  if (b.length === 0) return a;
  if (a.length === 0) return b;
  if (b.length === 2) return withBin(a, b[0]!, b[1]!, most);
  const merged: number[] = [];
  let [i, j] = [0, 0];
  while (i < a.length || j < b.length) {
    const key = Math.min(a[i] ?? Infinity, b[j] ?? Infinity);
    let count = 0;
    if (a[i] === key) [count, i] = [count + a[i + 1]!, i + 2];
    if (b[j] === key) [count, j] = [count + b[j + 1]!, j + 2];
    merged.push(key, count);
  }
  return collapsed(merged, most);
}

function withBin(bins: Bins, key: number, count: number, most: number): Bins {
  let [from, to] = [0, bins.length / 2];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (bins[2 * middle]! < key) from = middle + 1;
    else to = middle;
  }
  const at = 2 * from;
  if (bins[at] === key) {
    const next = bins.slice();
    next[at + 1]! += count;
    return next;
  }
  return collapsed([...bins.slice(0, at), key, count, ...bins.slice(at)], most);
}

/** The highest `most` bins, the lowest of which has the counts of all below it. */
function collapsed(bins: number[], most: number): Bins {
  const surplus = bins.length / 2 - most;
  if (surplus <= 0) return bins;
  let below = 0;
  for (let i = 0; i < surplus; i++) below += bins[2 * i + 1]!;
  const kept = bins.slice(2 * surplus);
  kept[1]! += below;
  return kept;
}

/**
 * The number of rank ⌈quantile × how many⌉, 1 at least, of all sorted (SQL's PERCENTILE_DISC), within the accuracy. The
 * least and the most are exact.
 */
export function quantileOf(
  [least, most, zeros, negative, positive]: DDSketch,
  quantile: number,
  accuracy: number,
): number {
  const [below, above] = [countOf(negative), countOf(positive)];
  const count = below + zeros + above;
  // 0.07 × 100 is 7.000000000000001: what a decimal's rounding adds must not reach the next rank.
  const rank = Math.max(1, Math.ceil(quantile * count * (1 - Number.EPSILON)));
  if (rank === 1) return least;
  if (rank === count) return most;
  const log = logOfGamma(accuracy);
  // 2γ^k / (γ + 1) = (1 − accuracy) γ^k
  const standsFor = (key: number) => (1 - accuracy) * Math.exp(key * log);
  const value =
    rank <= below
      ? -standsFor(keyAt(negative, below - rank + 1))
      : rank <= below + zeros
        ? 0
        : standsFor(keyAt(positive, rank - below - zeros));
  return Math.min(most, Math.max(least, value));
}

function countOf(bins: Bins): number {
  let count = 0;
  for (let i = 1; i < bins.length; i += 2) count += bins[i]!;
  return count;
}

/** The key of the bin that holds the number of a rank, counted from 1. */
function keyAt(bins: Bins, rank: number): number {
  let [i, seen] = [0, bins[1]!];
  while (seen < rank) seen += bins[(i += 2) + 1]!;
  return bins[i]!;
}

export function isSketch(value: unknown, { bins: mostBins }: Resolution): boolean {
  if (!Array.isArray(value) || value.length !== 5) return false;
  const [least, most, zeros, ...stores] = value as unknown[];
  if (!Number.isFinite(least) || !Number.isFinite(most) || !isWhole(zeros) || (zeros as number) < 0) return false;
  return stores.every((bins) => Array.isArray(bins) && bins.length <= 2 * mostBins && areBins(bins));
}

const isWhole = (value: unknown): boolean => Number.isSafeInteger(value);

const areBins = (bins: readonly unknown[]): boolean =>
  bins.length % 2 === 0 &&
  bins.every(
    (one, i) =>
      isWhole(one) && (i % 2 === 1 ? (one as number) > 0 : i === 0 || (bins[i - 2] as number) < (one as number)),
  );
