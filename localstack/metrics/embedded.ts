import { isRecord } from "../template/template-file.ts";
import type { Metrics } from "./metrics.ts";

/** Takes the metrics of a line that a function printed (CloudWatch embedded metric format); other lines are nothing to it. */
export function takeEmbedded(line: string, metrics: Metrics): void {
  if (!line.includes('"_aws"')) return;
  const document = parse(line);
  const directives =
    isRecord(document) && isRecord(document["_aws"]) ? document["_aws"]["CloudWatchMetrics"] : undefined;
  if (!isRecord(document) || !Array.isArray(directives)) return;
  for (const directive of directives) {
    if (!isRecord(directive)) continue;
    const sets = Array.isArray(directive["Dimensions"]) ? directive["Dimensions"] : [[]];
    const named = Array.isArray(directive["Metrics"]) ? directive["Metrics"] : [];
    for (const dimensionNames of sets) {
      for (const metric of named) {
        if (!isRecord(metric) || typeof metric["Name"] !== "string" || !Array.isArray(dimensionNames)) continue;
        const name = metric["Name"];
        const dimensions = Object.fromEntries(
          dimensionNames.map((dimension) => [String(dimension), String(document[String(dimension)])]),
        );
        for (const value of [document[name]].flat())
          if (typeof value === "number") metrics.add(String(directive["Namespace"]), name, dimensions, value);
      }
    }
  }
}

function parse(line: string): unknown {
  try {
    return JSON.parse(line.slice(line.indexOf("{")));
  } catch {
    return undefined;
  }
}
