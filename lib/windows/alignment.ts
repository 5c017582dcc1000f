import { definitionError } from "../errors.ts";
import { toMillis, type Duration } from "../time/duration.ts";
import type { Window } from "./window.ts";

/**
 * Where windows that come every so often begin.
 *
 * @param every milliseconds
 * @returns the offset in milliseconds, and the greatest beginning at or before a time
 * @throws definition error `time/duration`, `window/offset`
 */
export function alignment(what: string, every: number, given: Duration | undefined) {
  const offset = toMillis(given ?? {}, `${what} offset`);
  if (offset >= every) {
    throw definitionError({
      code: "window/offset",
      message: `${what}: the offset of ${offset} ms is not less than the ${every} ms from one window to the next.`,
      advice: "Use the remainder of the division: the windows are the same.",
    });
  }
  const floor = (time: number): number => {
    const into = (time - offset) % every;
    return time - (into < 0 ? into + every : into);
  };
  return { offset, floor };
}

/**
 * Windows by where the last of them begins, made anew where that is another than the time before: most records are in the
 * windows of the one before them. So they are nobody's to change.
 *
 * @param floor where the last window of a time begins
 */
export function keptBy(floor: (time: number) => number, windowsOf: (start: number) => readonly Window[]) {
  let last = Number.NaN;
  let windows: readonly Window[] = [];
  return (time: number): readonly Window[] => {
    const start = floor(time);
    if (start !== last)
      [last, windows] = [start, Object.freeze(windowsOf(start).map((window) => Object.freeze(window)))];
    return windows;
  };
}
