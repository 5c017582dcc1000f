import type { WindowAssigner } from "../windows/window.ts";
import type { Builder } from "./builder.ts";
import { buildProcess } from "./build-process.ts";
import { buildWindow } from "./build-window.ts";
import type { WindowOptions } from "./stream.ts";

/** Makes a stream seen by its key: one method per kind of keyed operator. @param here the index of the node before */
export const buildKeyed = (builder: Builder, here: () => number, keyFields: readonly string[]) => ({
  window: (name: string, assigner: WindowAssigner, options: WindowOptions = {}) =>
    buildWindow(builder, here(), keyFields, name, assigner, options),
  process: (name: string, process: Parameters<typeof buildProcess>[4]) =>
    buildProcess(builder, here(), keyFields, name, process),
});
