import { definitionError } from "../errors.ts";
import { toMillis, type Duration } from "../time/duration.ts";

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
