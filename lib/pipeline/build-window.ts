import type { Aggregate } from "../aggregates/aggregate.ts";
import { toMillis } from "../time/duration.ts";
import { checkedTrigger, type CheckedTrigger } from "../windows/trigger.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Builder } from "./builder.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import { checkField } from "./names.ts";
import { evolutionOf } from "./evolution.ts";
import type { AggregateOptions, WindowOptions } from "./stream.ts";

/** Makes a window operator of a keyed stream. @throws definition errors naming the window */
export function buildWindow(
  builder: Builder,
  input: number,
  keyFields: readonly string[],
  name: string,
  assigner: WindowAssigner,
  options: WindowOptions,
) {
  const what = `${builder.where}: window "${name}"`;
  if (typeof assigner?.kind !== "string" || typeof assigner.shape !== "string")
    throw builder.refuse(`window("${name}")`, "was not given windows", "Use tumbling({ hours: 1 }).");
  const allowedLateness = toMillis(options.allowedLateness ?? {}, `${what}: allowedLateness`);
  const trigger = checkedTrigger(what, options.trigger, options.accumulation);
  const problem = unfit(assigner, allowedLateness, trigger);
  if (problem !== undefined) throw builder.refuse(`window("${name}")`, problem);
  const taken = new Set([...keyFields, ...windowFields(assigner, trigger)]);
  return {
    aggregate: (aggregates: Readonly<Record<string, Aggregate<never, unknown>>>, versions: AggregateOptions = {}) => {
      const fields = Object.keys(aggregates);
      if (fields.length === 0)
        throw builder.refuse(
          `window("${name}").aggregate`,
          "has no aggregate",
          "Name one, such as { events: count() }.",
        );
      for (const field of fields) {
        checkField(`${what}: a row`, field);
        if (taken.has(field)) {
          throw builder.refuse(
            `window("${name}").aggregate`,
            `has a field "${field}", a name taken by the key or the window`,
          );
        }
      }
      const evolution = evolutionOf(`${what}.aggregate`, versions);
      checkAdded(builder, name, aggregates, versions);
      const node = builder.add({
        kind: "window",
        name,
        input,
        keyFields,
        assigner,
        allowedLateness,
        trigger,
        aggregates,
        evolution,
        was: options.was ?? [],
      });
      return Object.defineProperty(buildStream(builder, node, keyFields), "late", {
        value: buildSide(builder, node, "late", keyFields),
      });
    },
  };
}

/** A window that is open when an aggregate is added may get no record any more, and has a value of it all the same. */
function checkAdded(
  builder: Builder,
  name: string,
  aggregates: Readonly<Record<string, Aggregate<never, unknown>>>,
  { migrate = {} }: AggregateOptions,
): void {
  for (const added of Object.values(migrate).flatMap((change) => change.added ?? [])) {
    const aggregate = Object.hasOwn(aggregates, added) ? aggregates[added]! : undefined;
    if (aggregate === undefined || "ofNone" in aggregate) continue;
    throw builder.refuse(
      `window("${name}").aggregate`,
      `adds "${added}", which has no value where there are no records`,
      `Windows that are open have none of it yet: use filtered(${added}, () => true), whose result may be undefined.`,
    );
  }
}

/** The columns that rows have beside the key's and the aggregates'. */
const windowFields = ({ kind }: WindowAssigner, trigger: CheckedTrigger | undefined): readonly string[] => [
  ...(kind === "global" ? [] : ["windowStart", "windowEnd"]),
  ...(trigger === undefined ? [] : ["pane", "paneIndex"]),
  ...(trigger?.accumulation === "retracting" ? ["sign"] : []),
];

/** What a kind of windows cannot do of what it is asked for. */
function unfit({ kind }: WindowAssigner, allowedLateness: number, trigger: CheckedTrigger | undefined) {
  if ((kind === "sliding" || kind === "count") && trigger !== undefined) {
    return "has a trigger, and its windows make one row each";
  }
  if (kind === "global" && trigger?.late !== undefined) return "fires late, and its window has no end";
  if ((kind === "global" || kind === "count") && allowedLateness > 0) {
    return "allows lateness, and nothing is late in windows without an end";
  }
  return undefined;
}
