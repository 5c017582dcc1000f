import { definitionError } from "../errors.ts";
import { toMillis, toPositiveMillis, type Duration } from "../time/duration.ts";
import type { WindowAssigner } from "./window.ts";

/**
 * Windows of one length, side by side: every event time is in exactly one.
 *
 * A window starts where (start − offset) is a multiple of the size, before 1970 as after it; an event
 * at the end of a window belongs to the next.
 *
 * @example
 * const hourly = tumbling({ hours: 1 });
 * hourly.startOf(Date.UTC(2001, 0, 1, 10, 59)) === Date.UTC(2001, 0, 1, 10); // true
 *
 * @param size more than zero
 * @param options.offset less than the size, e.g. `{ hours: 6 }` for days that start at 06:00 UTC. @default none
 * @throws definition error `time/duration`, `window/offset`
 */
export function tumbling(size: Duration, options: { readonly offset?: Duration } = {}): WindowAssigner {
  const length = toPositiveMillis(size, "tumbling() size");
  const offset = toMillis(options.offset ?? {}, "tumbling() offset");
  if (offset >= length) {
    throw definitionError({
      code: "window/offset",
      message: `tumbling(): the offset of ${offset} ms is not less than the size of ${length} ms.`,
      advice: "Use the remainder of offset divided by size: the windows are the same.",
    });
  }
  const startOf = (time: number): number => {
    const into = (time - offset) % length;
    return time - (into < 0 ? into + length : into);
  };
  return { kind: "tumbling", size: length, offset, startOf };
}
