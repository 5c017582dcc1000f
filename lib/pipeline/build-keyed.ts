import type { WindowAssigner } from "../windows/window.ts";
import { toPositiveMillis } from "../time/duration.ts";
import type { Builder } from "./builder.ts";
import { buildConnect, KEYED, type BuiltKeyed } from "./build-connect.ts";
import { buildEnrich, type AnyEnrichOptions } from "./build-enrich.ts";
import { buildJoin, type Combine } from "./build-join.ts";
import { buildProcess } from "./build-process.ts";
import { buildSide, buildStream } from "./build-stream.ts";
import type { BuiltTable } from "./build-table.ts";
import { buildWindow } from "./build-window.ts";
import type { DeduplicateOptions } from "./deduplicate.ts";
import { OPERATOR } from "./handle.ts";
import type { JoinOptions } from "./join.ts";
import type { WindowOptions } from "./stream.ts";

/**
 * Makes a stream seen by its key: one method per kind of keyed operator.
 *
 * @param here the index of the node before
 * @param operator the index of what the stream leaves: another one where it is a side
 */
export const buildKeyed = (builder: Builder, here: () => number, operator: number, keyFields: readonly string[]) => ({
  [OPERATOR]: () => builder.nodeAt(operator),
  window: (name: string, assigner: WindowAssigner, options: WindowOptions = {}) =>
    buildWindow(builder, here(), keyFields, name, assigner, options),
  [KEYED]: () => ({ node: here(), keyFields }),
  connect: (other: BuiltKeyed | undefined) => buildConnect(builder, here, keyFields, other),
  join: (name: string, table: BuiltTable, combine: Combine, options?: JoinOptions) =>
    buildJoin(builder, { node: here(), keyFields }, name, table, combine, options),
  process: (name: string, process: Parameters<typeof buildProcess>[4]) =>
    buildProcess(builder, here(), keyFields, name, process),
  enrich: (name: string, options: AnyEnrichOptions) =>
    buildStream(builder, buildEnrich(builder, here(), name, options), keyFields),
  deduplicate: (name: string, options: DeduplicateOptions<never>) => {
    const id = builder.function("deduplicate", name, options?.id);
    const within = toPositiveMillis(options.within, `${builder.where}: deduplicate("${name}").within`);
    const node = builder.add({
      kind: "deduplicate",
      name,
      input: here(),
      keyFields,
      id,
      within,
      was: options.was ?? [],
    });
    const late = buildSide(builder, node, "late", keyFields);
    return Object.defineProperty(buildStream(builder, node, keyFields), "late", { value: late });
  },
});
