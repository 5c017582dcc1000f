import { definitionError } from "../errors.ts";
import type { CountWindows } from "./window.ts";

/**
 * Windows of so many records of a key, in the order in which they come. A row is made with the last of them; what a
 * window has when the pipeline is drained is made a row of too. windowStart and windowEnd are the span of the records'
 * event times.
 *
 * @example
 * const inTens = countWindow(10);
 *
 * @throws definition error `window/count`
 */
export function countWindow(size: number): CountWindows {
  if (Number.isSafeInteger(size) && size > 0) return { kind: "count", shape: `count:${size}`, size };
  throw definitionError({
    code: "window/count",
    message: `countWindow(): ${String(size)} is not a whole number above zero.`,
  });
}
