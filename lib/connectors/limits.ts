import { definitionError } from "../errors.ts";
import { toMillis, type Duration } from "../time/duration.ts";

/** What a service allows for a setting, both ends included. */
export interface Limits {
  readonly least: number;
  readonly most: number;
  /** What is counted, in the plural. */
  readonly unit: string;
  /** Who sets the limit and why, or what to do instead. */
  readonly why: string;
}

/** Checks a whole number. @throws definition error `provision/limit` naming the limit and the value given */
export function wholeWithin(what: string, value: number, limits: Limits): number {
  if (Number.isSafeInteger(value) && value >= limits.least && value <= limits.most) return value;
  throw refuse(what, `${String(value)} ${limits.unit}`, limits);
}

/** Checks a duration and gives whole seconds. @throws definition errors `provision/limit`, `time/duration` */
export function secondsWithin(what: string, duration: Duration, limits: Omit<Limits, "unit">): number {
  const seconds = toMillis(duration, what) / 1_000;
  const bounds = { ...limits, unit: "seconds" };
  if (!Number.isInteger(seconds)) throw refuse(what, `${seconds} seconds`, bounds);
  return wholeWithin(what, seconds, bounds);
}

/** Refuses a setting that no value of a pipeline could make right. */
export const refuseSetting = (what: string, given: string, why: string) =>
  definitionError({ code: "provision/refused", message: `${what} is ${given}, which is not possible.`, advice: why });

function refuse(what: string, given: string, { least, most, unit, why }: Limits) {
  const range = least === most ? `only ${least}` : `a whole number of ${unit} from ${least} to ${most}`;
  return definitionError({
    code: "provision/limit",
    message: `${what} is ${given}; possible is ${range}.`,
    advice: why,
  });
}
