import { METRIC_UNITS, OTHER, type MetricSpec, type MetricUnit } from "../operators/metric.ts";
import type { Builder } from "./builder.ts";
import { checkField } from "./names.ts";

/** What a metric is of: how much each value adds, and what the sums are told apart by. */
export interface MetricOptions<T> {
  /** How much a value adds to the sum; it may be negative. @default 1 */
  readonly value?: (value: T) => number;
  /** @default "Count" where values are counted, "None" where there is a `value` */
  readonly unit?: MetricUnit;
  /** What sums are told apart by. Each combination is a metric that is billed. @default nothing: one sum */
  readonly dimensions?: { readonly [name: string]: MetricDimension<T> };
}

/** Something that sums are told apart by, with all values that it may have. */
export interface MetricDimension<T> {
  readonly of: (value: T) => string;
  /** The values that are told apart; all others are one, `other`. */
  readonly values: readonly string[];
}

/** {@link MetricOptions} when nothing is known of it. */
export type AnyMetricOptions = MetricOptions<never>;

/** Combinations of a metric's dimensions, those of `other` included. Each is billed by the month. */
const MOST_COMBINATIONS = 100;

/** CloudWatch takes 30; two are the deployment's and the pipeline's. */
const MOST_DIMENSIONS = 28;

const RESERVED: ReadonlySet<string> = new Set(["deployment", "pipeline", "service"]);

/** Printable ASCII that does not begin with a colon, as CloudWatch has it. */
const DIMENSION_VALUE = /^(?!:)(?=.*\S)[\x20-\x7e]{1,255}$/;

/** Adds a metric's node. @throws definition errors naming it */
export function buildMetric(builder: Builder, input: number, name: string, options: AnyMetricOptions = {}): void {
  const what = `metric("${name}")`;
  const { value, unit = value === undefined ? "Count" : "None", dimensions = {} } = options;
  if (!METRIC_UNITS.includes(unit)) {
    throw builder.refuse(`${what}.unit`, `is ${JSON.stringify(unit)}`, `It is one of ${METRIC_UNITS.join(", ")}.`);
  }
  const checked = Object.entries(dimensions).map(([dimension, { of, values }]) => {
    checkDimension(builder, `${what}.dimensions.${dimension}`, name, dimension, values);
    return { name: dimension, of: builder.function("metric", `${name}.${dimension}`, of), values: new Set(values) };
  });
  const combinations = checked.reduce((product, { values }) => product * (values.size + 1), 1);
  if (checked.length > MOST_DIMENSIONS || combinations > MOST_COMBINATIONS) {
    throw builder.refuse(
      what,
      `has ${checked.length} dimensions with ${combinations} combinations of values, "${OTHER}" among them`,
      `At most ${MOST_DIMENSIONS} and ${MOST_COMBINATIONS} are possible: each combination is a metric of its own.`,
    );
  }
  const spec: MetricSpec = {
    name,
    unit,
    value: value === undefined ? () => 1 : builder.function("metric", `${name}.value`, value),
    dimensions: checked,
  };
  builder.add({ kind: "metric", name, input, spec });
}

function checkDimension(
  builder: Builder,
  what: string,
  metric: string,
  name: string,
  values: readonly string[] | undefined,
): void {
  checkField(`${builder.where}: metric("${metric}")`, name);
  if (RESERVED.has(name) || name === metric) {
    throw builder.refuse(what, "has a name that is taken", "Give the dimension another one.");
  }
  if (values === undefined || values.length === 0) {
    throw builder.refuse(what, "lists no values", "List those that are told apart.");
  }
  const bad = values.find((value, i) => !DIMENSION_VALUE.test(value) || value === OTHER || values.indexOf(value) !== i);
  if (bad !== undefined) {
    throw builder.refuse(
      what,
      `lists ${JSON.stringify(bad)}`,
      `Values are 1 to 255 printable ASCII characters, each once, and "${OTHER}" is for all that are not listed.`,
    );
  }
}
