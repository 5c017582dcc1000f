import { poisonError } from "../errors.ts";

/** A point in event time: epoch milliseconds, or a Date. */
export type Instant = number | Date;

/** The watermark of a task that has seen nothing: below every event time. */
export const BEFORE_ALL_TIME = Number.MIN_SAFE_INTEGER;

/** The watermark of a drained task: above every event time. */
export const END_OF_TIME = Number.MAX_SAFE_INTEGER;

/** The largest distance from 1970 that a Date can hold, in milliseconds (ECMA-262, time values). */
export const MAX_INSTANT = 8.64e15;

/**
 * Epoch milliseconds of an instant. Times before 1970 are negative and valid.
 *
 * @throws poison error `time/instant` for NaN, for what no Date can hold, and for fractions of a
 *   millisecond, which mean that seconds were given
 */
export function toEpochMillis(instant: unknown): number {
  const millis = instant instanceof Date ? instant.getTime() : instant;
  if (typeof millis !== "number" || !Number.isInteger(millis) || Math.abs(millis) > MAX_INSTANT) {
    throw poisonError({
      code: "time/instant",
      message: `The event time is ${typeof millis === "number" ? "a number that is no instant" : `of type ${typeof millis}`}.`,
      advice:
        "Event times are whole epoch milliseconds that a Date can hold, or Dates; a fraction means that seconds were given.",
    });
  }
  return millis;
}
