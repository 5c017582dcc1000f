import { toPositiveMillis, type Duration } from "../time/duration.ts";
import { alignment, keptBy } from "./alignment.ts";
import type { AlignedWindows } from "./window.ts";

/**
 * Windows of one length, side by side: every event time is in exactly one.
 *
 * A window starts where (start − offset) is a multiple of the size, before 1970 as after it; an event
 * at the end of a window belongs to the next.
 *
 * @example
 * const hourly = tumbling({ hours: 1 });
 * hourly.assign(Date.UTC(2001, 0, 1, 10, 59))[0]!.start === Date.UTC(2001, 0, 1, 10); // true
 *
 * @param size more than zero
 * @param options.offset less than the size, e.g. `{ hours: 6 }` for days that start at 06:00 UTC. @default none
 * @throws definition error `time/duration`, `window/offset`
 */
export function tumbling(size: Duration, options: { readonly offset?: Duration } = {}): AlignedWindows {
  const length = toPositiveMillis(size, "tumbling() size");
  const { offset, floor } = alignment("tumbling()", length, options.offset);
  return {
    kind: "time",
    shape: `tumbling:${length}+${offset}`,
    assign: keptBy(floor, (start) => [{ start, end: start + length }]),
    startOf: (end) => end - length,
    endOf: (time) => floor(time) + length,
  };
}
