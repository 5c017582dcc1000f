import type { Aggregate } from "../aggregates/aggregate.ts";
import { toMillis } from "../time/duration.ts";
import type { WindowAssigner } from "../windows/window.ts";
import type { Builder } from "./builder.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import { checkField } from "./names.ts";
import type { WindowOptions } from "./stream.ts";

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
  if (typeof assigner?.startOf !== "function")
    throw builder.refuse(`window("${name}")`, "was not given windows", "Use tumbling({ hours: 1 }).");
  const allowedLateness = toMillis(options.allowedLateness ?? {}, `${what}: allowedLateness`);
  return {
    aggregate: (aggregates: Readonly<Record<string, Aggregate<never, unknown>>>) => {
      const fields = Object.keys(aggregates);
      if (fields.length === 0)
        throw builder.refuse(
          `window("${name}").aggregate`,
          "has no aggregate",
          "Name one, such as { events: count() }.",
        );
      for (const field of fields) {
        checkField(`${what}: a row`, field);
        if (keyFields.includes(field) || field === "windowStart" || field === "windowEnd") {
          throw builder.refuse(
            `window("${name}").aggregate`,
            `has a field "${field}", a name taken by the key or the window`,
          );
        }
      }
      const node = builder.add({ kind: "window", name, input, keyFields, assigner, allowedLateness, aggregates });
      return Object.defineProperty(buildStream(builder, node, keyFields), "late", {
        value: buildSide(builder, node, "late", keyFields),
      });
    },
  };
}
