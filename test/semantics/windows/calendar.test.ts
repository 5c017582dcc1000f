import { calendarDay, calendarMonth, type AlignedWindows, type Window } from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { run, windowed, type Numbered } from "../../support/windowed.ts";

const HOUR = 3_600_000;
const MINUTE = 60_000;

const only = (windows: AlignedWindows, time: number): Window => {
  const [window, ...others] = windows.assign(time);
  expect(others).toEqual([]);
  return window!;
};
const utc = (text: string): number => Date.parse(text);
const hoursOf = ({ start, end }: Window): number => (end - start) / HOUR;
const iso = ({ start, end }: Window): readonly [string, string] => [
  new Date(start).toISOString(),
  new Date(end).toISOString(),
];

/** Dates and times that the zone's clocks show, as text: by Intl, and by none of the library's arithmetic. */
const clock = (timeZone: string) => {
  const format = new Intl.DateTimeFormat("sv-SE", { timeZone, dateStyle: "short", timeStyle: "medium" });
  return (time: number) => format.format(time);
};

describe("days, at the changes of clocks that are known", () => {
  test.each([
    ["Europe/Berlin", "2024-03-31T12:00Z", "2024-03-30T23:00:00.000Z", "2024-03-31T22:00:00.000Z", 23],
    ["Europe/Berlin", "2024-10-27T12:00Z", "2024-10-26T22:00:00.000Z", "2024-10-27T23:00:00.000Z", 25],
    ["Europe/Berlin", "2024-06-01T12:00Z", "2024-05-31T22:00:00.000Z", "2024-06-01T22:00:00.000Z", 24],
    ["America/New_York", "2024-03-10T12:00Z", "2024-03-10T05:00:00.000Z", "2024-03-11T04:00:00.000Z", 23],
    ["America/New_York", "2024-11-03T12:00Z", "2024-11-03T04:00:00.000Z", "2024-11-04T05:00:00.000Z", 25],
    // Clocks change by half an hour.
    ["Australia/Lord_Howe", "2024-10-06T00:00Z", "2024-10-05T13:30:00.000Z", "2024-10-06T13:00:00.000Z", 23.5],
    ["Australia/Lord_Howe", "2024-04-07T00:00Z", "2024-04-06T13:00:00.000Z", "2024-04-07T13:30:00.000Z", 24.5],
    // Midnight does not exist: the day begins at 01:00.
    ["America/Sao_Paulo", "2018-11-04T12:00Z", "2018-11-04T03:00:00.000Z", "2018-11-05T02:00:00.000Z", 23],
    // Midnight comes twice: the day begins with the first.
    ["America/Havana", "2024-11-03T12:00Z", "2024-11-03T04:00:00.000Z", "2024-11-04T05:00:00.000Z", 25],
    // Clocks went back from 00:01 to 23:01: what they show as the 6th for the second time belongs to the 7th.
    ["America/St_Johns", "2010-11-07T12:00Z", "2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z", 25],
    ["America/St_Johns", "2010-11-07T03:00Z", "2010-11-07T02:30:00.000Z", "2010-11-08T03:30:00.000Z", 25],
    // Kathmandu is not a whole hour from UTC.
    ["Asia/Kathmandu", "2024-01-01T12:00Z", "2023-12-31T18:15:00.000Z", "2024-01-01T18:15:00.000Z", 24],
    // Samoa left out 2011-12-30.
    ["Pacific/Apia", "2011-12-30T09:59Z", "2011-12-29T10:00:00.000Z", "2011-12-30T10:00:00.000Z", 24],
    ["Pacific/Apia", "2011-12-30T10:00Z", "2011-12-30T10:00:00.000Z", "2011-12-31T10:00:00.000Z", 24],
    ["UTC", "1969-12-31T23:59Z", "1969-12-31T00:00:00.000Z", "1970-01-01T00:00:00.000Z", 24],
  ])("%s around %s", (timeZone, time, start, end, hours) => {
    const day = only(calendarDay({ timeZone }), utc(time));
    expect(iso(day)).toEqual([start, end]);
    expect(hoursOf(day)).toBe(hours);
  });

  test("Samoa's missing day is no window: the 29th ends where the 31st begins", () => {
    const days = calendarDay({ timeZone: "Pacific/Apia" });
    const before = only(days, utc("2011-12-30T09:59:59.999Z"));
    const after = only(days, utc("2011-12-30T10:00Z"));
    expect(before.end).toBe(after.start);
    expect(clock("Pacific/Apia")(before.start)).toBe("2011-12-29 00:00:00");
    expect(clock("Pacific/Apia")(after.start)).toBe("2011-12-31 00:00:00");
  });
});

test("months of a zone, over changes of clocks, leap years and the end of a year", () => {
  const berlin = calendarMonth({ timeZone: "Europe/Berlin" });
  expect(iso(only(berlin, utc("2024-03-15T00:00Z")))).toEqual(["2024-02-29T23:00:00.000Z", "2024-03-31T22:00:00.000Z"]);
  expect(iso(only(berlin, utc("2024-02-29T22:59Z")))).toEqual(["2024-01-31T23:00:00.000Z", "2024-02-29T23:00:00.000Z"]);
  expect(iso(only(berlin, utc("2023-12-31T23:30Z")))).toEqual(["2023-12-31T23:00:00.000Z", "2024-01-31T23:00:00.000Z"]);
  const apia = only(calendarMonth({ timeZone: "Pacific/Apia" }), utc("2011-12-15T00:00Z"));
  expect(hoursOf(apia)).toBe(30 * 24);
});

const zones = fc.constantFrom(
  "Europe/Berlin",
  "America/New_York",
  "Australia/Lord_Howe",
  "America/Sao_Paulo",
  "America/Havana",
  "Asia/Kathmandu",
  "Africa/Cairo",
  "Pacific/Apia",
  "Africa/Casablanca",
  "UTC",
);
/** Most of them near a change of clocks somewhere. */
const instants = fc.oneof(
  fc.integer({ min: utc("1975-01-01T00:00Z"), max: utc("2037-01-01T00:00Z") }),
  fc
    .tuple(
      fc.constantFrom(
        "2011-12-30T10:00Z",
        "2018-11-04T03:00Z",
        "2024-03-31T01:00Z",
        "2024-11-03T05:00Z",
        "2024-10-05T15:30Z",
      ),
      fc.integer({ min: -40 * HOUR, max: 40 * HOUR }),
    )
    .map(([at, by]) => utc(at) + by),
);

test("a day is the stretch in which clocks show its date, found by looking at every quarter of an hour", () => {
  fc.assert(
    fc.property(zones, instants, (timeZone, time) => {
      const { start, end } = only(calendarDay({ timeZone }), time);
      const show = clock(timeZone);
      const date = (at: number) => show(at).slice(0, 10);
      expect(start <= time && time < end).toBe(true);
      for (let at = start; at < end; at += 15 * MINUTE) expect(date(at)).toBe(date(time));
      expect(date(start - 1) < date(time)).toBe(true);
      expect(date(end) > date(time)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("days and months follow each other without a gap, and are found again by their ends", () => {
  fc.assert(
    fc.property(zones, instants, (timeZone, time) => {
      for (const windows of [calendarDay({ timeZone }), calendarMonth({ timeZone })]) {
        const window = only(windows, time);
        expect(only(windows, window.start)).toEqual(window);
        expect(only(windows, window.end - 1)).toEqual(window);
        expect(only(windows, window.end).start).toBe(window.end);
        expect(only(windows, window.start - 1).end).toBe(window.start);
        expect(windows.startOf!(window.end)).toBe(window.start);
      }
      const day = only(calendarDay({ timeZone }), time);
      const month = only(calendarMonth({ timeZone }), time);
      expect(month.start <= day.start && day.end <= month.end).toBe(true);
      const show = clock(timeZone);
      expect(show(month.start).slice(8, 10)).toBe("01");
      expect(show(month.start - 1).slice(0, 7) < show(month.start).slice(0, 7)).toBe(true);
    }),
    { numRuns: 300 },
  );
});

test("no time zone is a definition error", () => {
  for (const timeZone of ["Europe/Atlantis", "", 7 as never]) {
    expect(() => calendarDay({ timeZone })).toThrow(expect.objectContaining({ code: "time/zone" }) as Error);
  }
});

test("a pipeline's days are the zone's", async () => {
  const at = (n: number, time: string): Numbered => ({ key: "a", time: utc(time), n });
  const { rows } = await run(windowed(calendarDay({ timeZone: "Europe/Berlin" })), [
    at(1, "2024-03-30T22:59:59Z"),
    at(2, "2024-03-30T23:00:00Z"),
    at(3, "2024-03-31T21:59:59Z"),
    at(4, "2024-03-31T22:00:00Z"),
  ]);
  expect(rows.map(({ seen }) => seen)).toEqual(["1", "2 3", "4"]);
});
