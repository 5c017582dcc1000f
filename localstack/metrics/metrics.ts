import type { MetricSeries } from "../types.ts";

const samplesKept = 100_000;

/** Values of one metric, as CloudWatch keeps them of a period. */
export interface Statistics {
  readonly count: number;
  readonly sum: number;
  readonly min: number;
  readonly max: number;
}

type Dimensions = Readonly<Record<string, string>>;

interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Dimensions;
  count: number;
  sum: number;
  last: number;
  max: number;
  /** A ring once it is full; `count` tells where the newest is. */
  readonly samples: number[];
  /** What came since it was last taken. */
  recent: Statistics | undefined;
}

/** What a metric is known by, whatever the order of its dimensions. */
export const metricKey = (namespace: string, name: string, dimensions: Dimensions): string =>
  JSON.stringify([namespace, name, Object.entries(dimensions).sort(([a], [b]) => (a < b ? -1 : 1))]);

/** The statistics of both together. */
export const joined = (a: Statistics | undefined, b: Statistics): Statistics =>
  a === undefined
    ? b
    : { count: a.count + b.count, sum: a.sum + b.sum, min: Math.min(a.min, b.min), max: Math.max(a.max, b.max) };

export const single = (value: number): Statistics => ({ count: 1, sum: value, min: value, max: value });

/** What the stack measures: metrics that functions print, and those that AWS's services have of their own. */
export class Metrics {
  private readonly series = new Map<string, Series>();

  add(namespace: string, name: string, dimensions: Dimensions, value: number): void {
    const key = metricKey(namespace, name, dimensions);
    let series = this.series.get(key);
    if (series === undefined) {
      series = {
        ...{ namespace, name, dimensions, count: 0, sum: 0, last: 0, max: -Infinity, samples: [], recent: undefined },
      };
      this.series.set(key, series);
    }
    series.samples[series.count % samplesKept] = value;
    series.count += 1;
    series.sum += value;
    series.last = value;
    series.max = Math.max(series.max, value);
    series.recent = joined(series.recent, single(value));
  }

  all(): readonly MetricSeries[] {
    return [...this.series.values()].map(({ recent: _recent, ...series }) => ({
      ...series,
      samples: [...inOrder(series)],
    }));
  }

  /** What came since this was last called, by {@link metricKey}. */
  takeRecent(): ReadonlyMap<string, Statistics> {
    const taken = new Map<string, Statistics>();
    for (const [key, series] of this.series) {
      if (series.recent !== undefined) taken.set(key, series.recent);
      series.recent = undefined;
    }
    return taken;
  }
}

function inOrder(series: Pick<Series, "count" | "samples">): readonly number[] {
  if (series.count <= samplesKept) return series.samples;
  const oldest = series.count % samplesKept;
  return [...series.samples.slice(oldest), ...series.samples.slice(0, oldest)];
}
