import type { GlobalWindow } from "./window.ts";

/**
 * One window per key that holds everything: it closes when the pipeline is drained, so its rows are asked for with an
 * early trigger. They have the key's columns and the aggregates', and none of a window.
 *
 * Its state is never given up: as many entries as there are keys.
 *
 * @example
 * const everything = globalWindow();
 */
export const globalWindow = (): GlobalWindow => ({ kind: "global", shape: "global" });
