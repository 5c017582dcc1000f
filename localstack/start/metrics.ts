import type { MetricSeries } from "../types.ts";

/** The namespace of every metric that pipelines print. */
const NAMESPACE = "Millrace";

type Dimensions = Readonly<Record<string, string>>;

export interface Latency {
  readonly median: number;
  readonly p99: number;
  readonly samples: number;
}

/** What functions measured, over all of them. */
export class MetricReader {
  readonly #series: readonly MetricSeries[];

  constructor(series: readonly MetricSeries[]) {
    this.#series = series.filter(({ namespace }) => namespace === NAMESPACE);
  }

  sum(name: string): number {
    return this.#named(name).reduce((total, { sum }) => total + sum, 0);
  }

  /** The newest value; nothing before the first. */
  last(name: string, dimensions: Dimensions = {}): number | undefined {
    return this.#named(name, dimensions).at(-1)?.last;
  }

  latency(name: string, dimensions: Dimensions = {}): Latency | undefined {
    const samples = this.#named(name, dimensions)
      .flatMap((series) => series.samples)
      .sort((a, b) => a - b);
    if (samples.length === 0) return undefined;
    return { median: quantile(samples, 0.5), p99: quantile(samples, 0.99), samples: samples.length };
  }

  #named(name: string, wanted: Dimensions = {}): readonly MetricSeries[] {
    return this.#series.filter(
      (series) =>
        series.name === name &&
        Object.entries(wanted).every(([dimension, value]) => series.dimensions[dimension] === value),
    );
  }
}

/** The nearest-rank quantile of sorted values. */
const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.max(0, Math.ceil(q * sorted.length) - 1)]!;
