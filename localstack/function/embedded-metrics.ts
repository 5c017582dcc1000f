import type { MetricSeries } from "../types.ts";
import { isRecord } from "../template/template-file.ts";

const samplesKept = 100_000;

interface Series {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
  count: number;
  sum: number;
  last: number;
  max: number;
  /** A ring once it is full; `count` tells where the newest is. */
  readonly samples: number[];
}

/** Collects CloudWatch embedded metrics from lines that functions print. */
export class EmbeddedMetrics {
  private readonly series = new Map<string, Series>();

  /** Takes a line if it is an embedded metric; others are nothing to it. */
  take(line: string): void {
    if (!line.includes('"_aws"')) return;
    const document = parse(line);
    const directives =
      isRecord(document) && isRecord(document["_aws"]) ? document["_aws"]["CloudWatchMetrics"] : undefined;
    if (!isRecord(document) || !Array.isArray(directives)) return;
    for (const directive of directives) {
      if (!isRecord(directive)) continue;
      const sets = Array.isArray(directive["Dimensions"]) ? directive["Dimensions"] : [[]];
      const metrics = Array.isArray(directive["Metrics"]) ? directive["Metrics"] : [];
      for (const dimensionNames of sets) {
        for (const metric of metrics) {
          if (!isRecord(metric) || typeof metric["Name"] !== "string" || !Array.isArray(dimensionNames)) continue;
          this.add(String(directive["Namespace"]), metric["Name"], dimensionNames.map(String), document);
        }
      }
    }
  }

  all(): readonly MetricSeries[] {
    return [...this.series.values()].map((series) => ({ ...series, samples: [...inOrder(series)] }));
  }

  private add(
    namespace: string,
    name: string,
    dimensionNames: readonly string[],
    document: Record<string, unknown>,
  ): void {
    const dimensions = Object.fromEntries(dimensionNames.map((dimension) => [dimension, String(document[dimension])]));
    const key = JSON.stringify([namespace, name, dimensions]);
    let series = this.series.get(key);
    if (series === undefined) {
      series = { namespace, name, dimensions, count: 0, sum: 0, last: 0, max: -Infinity, samples: [] };
      this.series.set(key, series);
    }
    for (const value of [document[name]].flat()) {
      if (typeof value !== "number") continue;
      series.samples[series.count % samplesKept] = value;
      series.count += 1;
      series.sum += value;
      series.last = value;
      series.max = Math.max(series.max, value);
    }
  }
}

function inOrder(series: Series): readonly number[] {
  if (series.count <= samplesKept) return series.samples;
  const oldest = series.count % samplesKept;
  return [...series.samples.slice(oldest), ...series.samples.slice(0, oldest)];
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line.slice(line.indexOf("{")));
  } catch {
    return undefined;
  }
}
