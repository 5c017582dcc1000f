import type { CheckedTrigger, PaneTiming } from "../windows/trigger.ts";
import type { Window } from "../windows/window.ts";
import type { FiringState, OpenWindow } from "./open-windows.ts";

/** Of a window that has not made a row. */
export const UNFIRED: FiringState = { rows: 0, unfired: 0, fireAt: undefined, wakeAt: undefined, sent: [] };

/** When things are, as an operator sees it. */
export interface FiringClock {
  /** The record's event time. */
  readonly time: number;
  /** The operator's watermark, before the record. */
  readonly watermark: number;
  /** Processing time of the turn. */
  readonly now: number;
}

/**
 * What a record makes of a window's firing: a row at once, or at an event or processing time.
 *
 * @param firing with the record counted
 * @returns the row to be made at once, if any, and the window's firing with what is due later
 */
export function nextFiring(
  { early, late }: CheckedTrigger,
  { end }: Window,
  firing: FiringState,
  { time, watermark, now }: FiringClock,
): { readonly at: PaneTiming | undefined; readonly firing: FiringState } {
  const { unfired, fireAt, wakeAt } = firing;
  if (end <= watermark) return { at: late !== undefined && unfired >= late.records ? "late" : undefined, firing };
  const onTime = dueOnTime(late, end);
  if (early === undefined) return { at: undefined, firing: { ...firing, fireAt: onTime } };
  if ("records" in early) {
    return { at: unfired >= early.records ? "early" : undefined, firing: { ...firing, fireAt: onTime } };
  }
  if ("processingTime" in early) {
    return {
      at: undefined,
      firing: { ...firing, fireAt: onTime, wakeAt: wakeAt ?? following(now, early.processingTime) },
    };
  }
  const soonest = Math.min(fireAt ?? Number.POSITIVE_INFINITY, following(Math.max(time, watermark), early.eventTime));
  // What would be early at the end or after it is the window's row, or a part of it.
  return { at: undefined, firing: { ...firing, fireAt: soonest < end ? soonest : onTime } };
}

/** Multiples of the period since 1970, as Flink's ContinuousEventTimeTrigger has them. */
const following = (time: number, period: number): number => (Math.floor(time / period) + 1) * period;

/** When the row is due that a window makes at its end; undefined where it makes it when it closes. */
export const dueOnTime = (late: CheckedTrigger["late"], end: number): number | undefined =>
  late === undefined ? undefined : end;

/** The window once it has made a row. */
export function afterRow(open: OpenWindow, { accumulation }: CheckedTrigger): OpenWindow {
  const { start, end, accumulators, firing } = open;
  return {
    ...open,
    accumulators: accumulation === "discarding" ? undefined : accumulators,
    firing: {
      ...firing!,
      rows: firing!.rows + 1,
      unfired: 0,
      sent: accumulation === "retracting" ? [[start, end, accumulators!]] : [],
    },
  };
}

/** The firing of sessions that become one. What was due before an end is due still; a row at an end is due at another. */
export function joinedFiring(sessions: readonly OpenWindow[]): FiringState | undefined {
  if (sessions.some(({ firing }) => firing === undefined)) return undefined;
  const firings = sessions.map(({ firing }) => firing!);
  const early = sessions.map(({ firing, end }) => (firing!.fireAt === end ? undefined : firing!.fireAt));
  return {
    rows: Math.max(...firings.map(({ rows }) => rows)),
    unfired: firings.reduce((sum, { unfired }) => sum + unfired, 0),
    fireAt: least(early),
    wakeAt: least(firings.map(({ wakeAt }) => wakeAt)),
    sent: firings.flatMap(({ sent }) => sent),
  };
}

const least = (times: readonly (number | undefined)[]): number | undefined => {
  const known = times.filter((time) => time !== undefined);
  return known.length === 0 ? undefined : Math.min(...known);
};
