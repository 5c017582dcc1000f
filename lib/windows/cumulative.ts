import { definitionError } from "../errors.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";
import { alignment } from "./alignment.ts";
import type { AlignedWindows, Window } from "./window.ts";

const MAX_WINDOWS = 1_000;

/**
 * Windows that begin together and grow step by step up to a size, then begin anew: the day so far, every hour of it.
 * (Flink SQL: CUMULATE.)
 *
 * @example
 * const daySoFar = cumulative({ size: { days: 1 }, step: { hours: 1 } });
 * daySoFar.assign(Date.UTC(2001, 0, 1, 21, 30)).length === 3; // those that end at 22:00, 23:00 and 24:00
 *
 * @param options.step divides the size
 * @param options.offset less than the size. @default none
 * @throws definition error `time/duration`, `window/offset`, `window/step`
 */
export function cumulative(options: {
  readonly size: Duration;
  readonly step: Duration;
  readonly offset?: Duration;
}): AlignedWindows {
  const size = toPositiveMillis(options.size, "cumulative() size");
  const step = toPositiveMillis(options.step, "cumulative() step");
  if (size % step !== 0 || size / step > MAX_WINDOWS) {
    throw definitionError({
      code: "window/step",
      message: `cumulative(): the size of ${size} ms is not 1 to ${MAX_WINDOWS} times the step of ${step} ms.`,
      advice: "Use a step that divides the size.",
    });
  }
  const { offset, floor } = alignment("cumulative()", size, options.offset);
  return {
    kind: "time",
    shape: `cumulative:${size}/${step}+${offset}`,
    assign: (time) => {
      const start = floor(time);
      const windows: Window[] = [];
      for (let end = start + (Math.floor((time - start) / step) + 1) * step; end <= start + size; end += step) {
        windows.push({ start, end });
      }
      return windows;
    },
    startOf: (end) => floor(end - 1),
  };
}
