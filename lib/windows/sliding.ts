import { toPositiveMillis, type Duration } from "../time/duration.ts";
import type { SlidingWindows } from "./window.ts";

/**
 * A window at each record's time, over what precedes it: one row per key and time at which it has a record, of all its
 * records from `preceding` before that time up to it, both included. (SQL: OVER (… RANGE BETWEEN … PRECEDING AND CURRENT
 * ROW), with one row for records of equal time, which are peers.)
 *
 * State holds each time's records once, as accumulators; a row merges those of its window.
 *
 * @example
 * const lastTenMinutes = sliding({ preceding: { minutes: 10 } });
 *
 * @param options.preceding more than zero
 * @throws definition error `time/duration`
 */
export function sliding(options: { readonly preceding: Duration }): SlidingWindows {
  const preceding = toPositiveMillis(options.preceding, "sliding() preceding");
  return { kind: "sliding", shape: `sliding:${preceding}`, preceding };
}
