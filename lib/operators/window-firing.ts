import type { CheckedTrigger, PaneTiming } from "../windows/trigger.ts";
import type { Window } from "../windows/window.ts";
import type { FiringState } from "./open-windows.ts";

/** Of a window that has not made a row. */
export const UNFIRED: FiringState = { rows: 0, unfired: 0, fireAt: undefined, sent: [] };

/**
 * What a record makes of a window's firing: a row at once, or at an event time.
 *
 * @param firing with the record counted
 * @param time the record's
 * @param watermark the operator's, before the record
 */
export function nextFiring(
  { early, late }: CheckedTrigger,
  { end }: Window,
  { unfired, fireAt }: FiringState,
  time: number,
  watermark: number,
): { readonly now: PaneTiming | undefined; readonly fireAt: number | undefined } {
  if (end <= watermark) return { now: late !== undefined && unfired >= late.records ? "late" : undefined, fireAt };
  if (early !== undefined && "records" in early && unfired >= early.records) {
    return { now: "early", fireAt: afterEarly(late, end) };
  }
  // Multiples of the period since 1970, as Flink's ContinuousEventTimeTrigger has them.
  const periodic =
    early !== undefined && "eventTime" in early
      ? (Math.floor(Math.max(time, watermark) / early.eventTime) + 1) * early.eventTime
      : Number.POSITIVE_INFINITY;
  const soonest = Math.min(
    fireAt ?? Number.POSITIVE_INFINITY,
    periodic,
    afterEarly(late, end) ?? Number.POSITIVE_INFINITY,
  );
  // What would be early at the end or after it is the window's row, or a part of it.
  return { now: undefined, fireAt: soonest < end || late !== undefined ? finite(soonest) : undefined };
}

/** The next row that is due after one that was early: the one at the window's end, where it is made then. */
export const afterEarly = (late: CheckedTrigger["late"], end: number): number | undefined =>
  late === undefined ? undefined : end;

const finite = (time: number): number | undefined => (time === Number.POSITIVE_INFINITY ? undefined : time);
