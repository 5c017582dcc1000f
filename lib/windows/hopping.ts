import { definitionError } from "../errors.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import { alignment, keptBy } from "./alignment.ts";
import type { AlignedWindows, Window } from "./window.ts";

/** A record is in no more windows than this: each costs an entry of state. */
const MAX_WINDOWS = 1_000;

/**
 * Windows of one length that begin every so often, and overlap: a record is in size / every of them. What other
 * systems call sliding windows that advance by a step. (Where `every` is the longer one, what lies between two windows
 * is in none, and is counted as filtered.)
 *
 * @example
 * const lastHour = hopping({ size: { hours: 1 }, every: { minutes: 15 } });
 * lastHour.assign(Date.UTC(2001, 0, 1, 10, 20)).length === 4;
 *
 * @param options.offset less than `every`. @default none
 * @throws definition error `time/duration`, `window/offset`, `window/too-many`
 */
export function hopping(options: {
  readonly size: Duration;
  readonly every: Duration;
  readonly offset?: Duration;
}): AlignedWindows {
  const size = toPositiveMillis(options.size, "hopping() size");
  const every = toPositiveMillis(options.every, "hopping() every");
  if (size / every > MAX_WINDOWS) {
    throw definitionError({
      code: "window/too-many",
      message: `hopping(): a record would be in ${Math.ceil(size / every)} windows; at most ${MAX_WINDOWS} are possible.`,
      advice: "Let windows begin less often; or use sliding(), whose state does not grow with their number.",
    });
  }
  const { offset, floor } = alignment("hopping()", every, options.offset);
  const windowsOf = (last: number, time: number): readonly Window[] => {
    const windows: Window[] = [];
    for (let start = last; start + size > time; start -= every) windows.push({ start, end: start + size });
    return windows;
  };
  return {
    kind: "time",
    shape: `hopping:${size}/${every}+${offset}`,
    // Where the last window begins says which the others are only if a window is so many steps long.
    assign:
      size % every === 0 ? keptBy(floor, (start) => windowsOf(start, start)) : (time) => windowsOf(floor(time), time),
    startOf: (end) => end - size,
  };
}
