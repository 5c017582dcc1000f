import { poisonError } from "../errors.ts";
import type { OperatorContext, Push } from "./operator.ts";
import { refusePromise } from "./stateless.ts";

/** Units of CloudWatch's in which sums mean something. */
export const METRIC_UNITS = [
  "None",
  "Count",
  "Bytes",
  "Kilobytes",
  "Megabytes",
  "Gigabytes",
  "Microseconds",
  "Milliseconds",
  "Seconds",
] as const;

export type MetricUnit = (typeof METRIC_UNITS)[number];

/** A dimension's value for all that is not in its list. */
export const OTHER = "other";

/** A metric that a pipeline declares: sums of what values say, by dimensions whose values are known. */
export interface MetricSpec {
  readonly name: string;
  readonly unit: MetricUnit;
  readonly value: (value: never) => number;
  readonly dimensions: readonly {
    readonly name: string;
    readonly of: (value: never) => string;
    readonly values: ReadonlySet<string>;
  }[];
}

/** A metric's sum for one combination of its dimensions' values. */
export interface Measure {
  readonly metric: string;
  readonly unit: MetricUnit;
  readonly dimensions: Readonly<Record<string, string>>;
  readonly value: number;
}

/** Adds up what values say, for the commit being made. */
export function metricOperator({ name, unit, value: read, dimensions }: MetricSpec, context: OperatorContext): Push {
  const counts = context.state.counters.of(name);
  return (row) => {
    context.enter(name);
    counts.in.add();
    const value = (read as (row: unknown) => unknown)(row);
    refusePromise(name, value);
    if (typeof value !== "number" || !Number.isFinite(value)) {
      throw poisonError({
        code: "metric/value",
        message: `Metric "${name}" was given ${typeof value === "number" ? value : `a ${typeof value}`}, and can only add up finite numbers.`,
      });
    }
    const where: Record<string, string> = {};
    for (const { name: dimension, of, values } of dimensions) {
      const found = (of as (row: unknown) => unknown)(row);
      refusePromise(name, found);
      where[dimension] = typeof found === "string" && values.has(found) ? found : OTHER;
    }
    context.measure({ metric: name, unit, dimensions: where, value });
  };
}
