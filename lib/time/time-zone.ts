import { definitionError } from "../errors.ts";

/** A zone's offset from UTC at any time, in milliseconds: local time less UTC. */
export interface TimeZone {
  readonly offsetAt: (time: number) => number;
}

/** A date of a local calendar (proleptic Gregorian). */
export interface LocalDate {
  readonly year: number;
  /** 1 to 12. */
  readonly month: number;
  readonly day: number;
}

const DAY = 86_400_000;

/** A zone of the IANA database, by the runtime's own data (Intl). @throws definition error `time/zone` */
export function checkedTimeZone(what: string, name: string): TimeZone {
  let format: Intl.DateTimeFormat;
  try {
    if (typeof name !== "string") throw new Error("it is no text");
    format = new Intl.DateTimeFormat("en-US", { timeZone: name, timeZoneName: "longOffset" });
  } catch (cause) {
    throw definitionError({
      code: "time/zone",
      message: `${what}: ${JSON.stringify(name)} is no time zone.`,
      advice: 'Use a name of the IANA database, such as "Europe/Berlin".',
      cause,
    });
  }
  return { offsetAt: (time) => offsetIn(format.format(time)) };
}

/** @param text such as "1/1/1970, GMT+05:30" or "…, GMT" */
function offsetIn(text: string): number {
  const [, sign, hours, minutes, seconds] = /GMT(?:([+-])(\d\d):(\d\d)(?::(\d\d))?)?$/.exec(text)!;
  if (sign === undefined) return 0;
  const offset = (Number(hours) * 3_600 + Number(minutes) * 60 + Number(seconds ?? 0)) * 1_000;
  return sign === "-" ? -offset : offset;
}

/** The date that clocks in the zone show at an instant. */
export const localDate = (zone: TimeZone, time: number): LocalDate => dateOf(time + zone.offsetAt(time));

/** The instant at which a date begins in a zone: the first at which clocks there show it, or a later one. */
export function startOfDay(zone: TimeZone, date: LocalDate): number {
  const midnight = utcOf(date);
  const before = zone.offsetAt(midnight - DAY);
  const after = zone.offsetAt(midnight + DAY);
  // Midnight by the offset before a change of clocks, and by the one after it: the first that is midnight indeed.
  const early = midnight - Math.max(before, after);
  const late = midnight - Math.min(before, after);
  if (early + zone.offsetAt(early) === midnight) return early;
  if (late + zone.offsetAt(late) === midnight) return late;
  // There is none: clocks jump over it, at some instant between the two.
  let [low, high] = [early - 1, late];
  while (high - low > 1) {
    const middle = Math.floor((low + high) / 2);
    if (middle + zone.offsetAt(middle) >= midnight) high = middle;
    else low = middle;
  }
  return high;
}

export const dayAfter = (date: LocalDate): LocalDate => dateOf(utcOf(date) + DAY);

/** Midnight of a date, as if clocks there showed UTC. */
function utcOf({ year, month, day }: LocalDate): number {
  const date = new Date(0);
  date.setUTCFullYear(year, month - 1, day); // Date.UTC takes years before 100 for those of the 20th century
  return date.getTime();
}

function dateOf(local: number): LocalDate {
  const date = new Date(local);
  return { year: date.getUTCFullYear(), month: date.getUTCMonth() + 1, day: date.getUTCDate() };
}
