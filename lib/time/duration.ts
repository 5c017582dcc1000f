import { definitionError } from "../errors.ts";

/** A length of time, e.g. `{ hours: 1, minutes: 30 }`. Parts are whole numbers, zero or more, and add up. */
export interface Duration {
  readonly days?: number;
  readonly hours?: number;
  readonly minutes?: number;
  readonly seconds?: number;
  readonly millis?: number;
}

const MILLIS: Readonly<Record<keyof Duration, number>> = {
  days: 86_400_000,
  hours: 3_600_000,
  minutes: 60_000,
  seconds: 1_000,
  millis: 1,
};

/**
 * A duration in milliseconds.
 *
 * @param what names the setting in the error, e.g. `kinesis("departures").disorder`
 * @throws definition error `time/duration` for an unknown unit or a part that is not a whole number ≥ 0
 */
export function toMillis(duration: Duration, what: string): number {
  if (typeof duration !== "object" || duration === null) throw badDuration(what, String(duration));
  let total = 0;
  for (const [unit, amount] of Object.entries(duration) as [string, unknown][]) {
    if (!Object.hasOwn(MILLIS, unit)) throw badDuration(what, `unit "${unit}"`);
    if (typeof amount !== "number" || !Number.isSafeInteger(amount) || amount < 0) {
      throw badDuration(what, `${unit}: ${String(amount)}`);
    }
    total += amount * MILLIS[unit as keyof Duration];
  }
  if (!Number.isSafeInteger(total)) throw badDuration(what, "more than 285,000 years");
  return total;
}

/** Like {@link toMillis}, and refuses zero. */
export function toPositiveMillis(duration: Duration, what: string): number {
  const millis = toMillis(duration, what);
  if (millis === 0) throw badDuration(what, "nothing, a length of zero");
  return millis;
}

const badDuration = (what: string, found: string) =>
  definitionError({
    code: "time/duration",
    message: `${what}: a duration was expected, found ${found}.`,
    advice: "Write whole numbers of days, hours, minutes, seconds or millis, such as { hours: 1 }.",
  });
