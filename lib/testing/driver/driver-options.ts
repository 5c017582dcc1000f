import { definitionError } from "../../errors.ts";
import { toEpochMillis, type Instant } from "../../time/instant.ts";

export interface TestDriverOptions {
  /**
   * Where the clock stands: records arrive then, timers in processing time go by it, and an event time that is further
   * ahead of it than `maxFuture` is a dead letter. @default the beginning of 2100, after most tests' events
   */
  readonly start?: Instant;
  /** Shards of every stream. @default 1 */
  readonly shards?: number;
  /**
   * Every so many records all state is written and read back, as if every process had begun anew: what a schema of a
   * state refuses is found. @default never
   */
  readonly restartEvery?: number;
  /** Whether what becomes a dead letter is kept to be read, or thrown too. @default "keep" */
  readonly deadLetters?: "keep" | "throw";
}

/** Later than most tests' events. */
const DEFAULT_START = Date.UTC(2100, 0, 1);

/** @throws definition error `driver/option` */
export function checkOptions({ start = DEFAULT_START, shards = 1, restartEvery }: TestDriverOptions) {
  if (restartEvery !== undefined) wholeFrom1("restartEvery", restartEvery);
  return { start: startOf(start), shards: wholeFrom1("shards", shards) };
}

function startOf(start: Instant): number {
  try {
    return toEpochMillis(start);
  } catch (cause) {
    throw refused("start", String(start), "whole epoch milliseconds or a Date", cause);
  }
}

function wholeFrom1(option: string, value: number): number {
  if (Number.isSafeInteger(value) && value >= 1) return value;
  throw refused(option, String(value), "a whole number from 1");
}

const refused = (option: string, given: string, possible: string, cause?: unknown) =>
  definitionError({
    code: "driver/option",
    message: `testDriver(): ${option} is ${given}; possible is ${possible}.`,
    cause,
  });
