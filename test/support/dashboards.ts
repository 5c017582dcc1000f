import type { Template } from "aws-cdk-lib/assertions";
import { ofType, plain } from "../infra/synthesized.ts";

/** One series that a graph or an alarm asks CloudWatch for. */
export interface Asked {
  readonly namespace: string;
  readonly name: string;
  readonly dimensions: Readonly<Record<string, string>>;
}

interface Widget {
  readonly properties: { readonly title?: string; readonly metrics?: readonly (readonly unknown[])[] };
}

/** The dashboard's widgets. References are texts such as `{PipelineChangelog}`. */
export function widgetsOf(template: Template): readonly Widget[] {
  const [board] = ofType(template, "AWS::CloudWatch::Dashboard");
  return (JSON.parse(plain(board!.Properties["DashboardBody"])) as { readonly widgets: readonly Widget[] }).widgets;
}

/** All that graphs ask for, what expressions are made of too. */
export const askedByDashboard = (template: Template): readonly Asked[] =>
  widgetsOf(template)
    .flatMap(({ properties }) => properties.metrics ?? [])
    .filter(([namespace]) => typeof namespace === "string")
    .map((parts) => {
      const [namespace, name, ...rest] = parts.filter((part) => typeof part === "string");
      const pairs = rest.flatMap((dimension, i) => (i % 2 === 0 ? [[dimension, rest[i + 1]!] as const] : []));
      return { namespace: namespace!, name: name!, dimensions: Object.fromEntries(pairs) };
    });

interface AlarmProperties {
  readonly Namespace: string;
  readonly MetricName: string;
  readonly Dimensions: readonly { readonly Name: string; readonly Value: unknown }[];
}

/** All that alarms ask for. */
export const askedByAlarms = (template: Template): readonly Asked[] =>
  ofType(template, "AWS::CloudWatch::Alarm").map(({ Properties }) => {
    const { Namespace, MetricName, Dimensions } = Properties as unknown as AlarmProperties;
    const dimensions = Object.fromEntries(Dimensions.map(({ Name, Value }) => [Name, plain(Value)]));
    return { namespace: Namespace, name: MetricName, dimensions };
  });

/** A series as one text: its dimensions are those and no others. */
export const seriesText = ({ namespace, name, dimensions }: Asked): string =>
  `${namespace} ${name} ${JSON.stringify(Object.entries(dimensions).toSorted(([a], [b]) => (a < b ? -1 : 1)))}`;
