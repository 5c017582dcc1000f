import { checkedTimeZone, dayAfter, localDate, startOfDay, type LocalDate, type TimeZone } from "../time/time-zone.ts";
import type { AlignedWindows, Window } from "./window.ts";

export interface CalendarOptions {
  /** A name of the IANA database, e.g. `"Europe/Berlin"`. */
  readonly timeZone: string;
}

/**
 * Days of the calendar of a time zone: from one midnight there to the next, which is 23 or 25 hours when clocks change.
 * A day without a midnight begins with its first instant; of one that has midnight twice it is the first; a day that a
 * zone leaves out is no window.
 *
 * Time zones are those of the runtime's ICU data: a build with other data may put a border elsewhere.
 *
 * @example
 * const days = calendarDay({ timeZone: "Europe/Berlin" });
 * const [spring] = days.assign(Date.UTC(2024, 2, 31, 12));
 * spring!.end - spring!.start === 23 * 3_600_000;
 *
 * @throws definition error `time/zone`
 */
export function calendarDay({ timeZone }: CalendarOptions): AlignedWindows {
  const zone = checkedTimeZone("calendarDay()", timeZone);
  return calendar(zone, `calendar-day:${timeZone}`, (time) => dayOf(zone, time));
}

/**
 * Months of the calendar of a time zone: like {@link calendarDay}, from the start of a month's first day to the next's.
 *
 * @example
 * const months = calendarMonth({ timeZone: "America/New_York" });
 * const [march] = months.assign(Date.UTC(2024, 2, 10));
 * march!.end - march!.start === 31 * 24 * 3_600_000 - 3_600_000;
 *
 * @throws definition error `time/zone`
 */
export function calendarMonth({ timeZone }: CalendarOptions): AlignedWindows {
  const zone = checkedTimeZone("calendarMonth()", timeZone);
  return calendar(zone, `calendar-month:${timeZone}`, (time) => monthOf(zone, time));
}

const UTC_DAY = 86_400_000;
/** Windows are looked up by UTC day: this many of them are remembered. */
const REMEMBERED = 4_096;

/** Asking for a zone's offset is slow, and most records are of days that were asked for. */
function calendar(zone: TimeZone, shape: string, windowOf: (time: number) => Window): AlignedWindows {
  const known = new Map<number, Window[]>();
  const find = (time: number): Window => {
    const day = Math.floor(time / UTC_DAY);
    let windows = known.get(day);
    const found = windows?.find(({ start, end }) => start <= time && time < end);
    if (found !== undefined) return found;
    if (windows === undefined) {
      if (known.size >= REMEMBERED) known.clear();
      known.set(day, (windows = []));
    }
    const window = windowOf(time);
    windows.push(window);
    return window;
  };
  return {
    kind: "time",
    shape,
    assign: (time) => [find(time)],
    startOf: (end) => find(end - 1).start,
    endOf: (time) => find(time).end,
  };
}

function dayOf(zone: TimeZone, time: number): Window {
  let date = localDate(zone, time);
  let start = startOfDay(zone, date);
  // Clocks may have been set back across midnight: then the date is yesterday's again for a while.
  for (;;) {
    const next = dayAfter(date);
    const end = startOfDay(zone, next);
    // A day that is left out begins and ends at once.
    if (time < end) return { start, end };
    [date, start] = [next, end];
  }
}

function monthOf(zone: TimeZone, time: number): Window {
  const { start: day } = dayOf(zone, time);
  const { year, month } = localDate(zone, day);
  const first = (of: LocalDate) => startOfDay(zone, of);
  return {
    start: first({ year, month, day: 1 }),
    end: first(month === 12 ? { year: year + 1, month: 1, day: 1 } : { year, month: month + 1, day: 1 }),
  };
}
