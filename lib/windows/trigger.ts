import { definitionError } from "../errors.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";

/** How often a window makes a row: at every record, after so many, or as event time or processing time passes. */
export type LateFiring = "onUpdate" | { readonly records: number };
export type EarlyFiring = LateFiring | { readonly eventTime: Duration } | { readonly processingTime: Duration };

/** When a window makes rows beside the one that it always makes. */
export interface WindowTrigger {
  /**
   * Before the window's end, where records have come since the last row: "onUpdate", every `{ records: n }`, whenever
   * event time or processing time passes a multiple of a length: `{ eventTime: { minutes: 5 } }`.
   */
  readonly early?: EarlyFiring;
  /** After its end, until the allowed lateness has passed. The window's row is then made at its end. */
  readonly late?: LateFiring;
}

/**
 * What a row holds where a window makes several: what came since the one before, all so far, or all so far after a row
 * that takes the one before back.
 */
export type Accumulation = "discarding" | "accumulating" | "retracting";

/** Whether a row was made before its window's time had come, when it came, or after it. */
export type PaneTiming = "early" | "onTime" | "late";

/** A firing that was checked. Milliseconds. */
export type Firing =
  { readonly records: number } | { readonly eventTime: number } | { readonly processingTime: number };

/** A trigger that was checked. */
export interface CheckedTrigger {
  readonly early: Firing | undefined;
  readonly late: { readonly records: number } | undefined;
  readonly accumulation: Accumulation;
}

const ACCUMULATIONS: readonly string[] = ["discarding", "accumulating", "retracting"] satisfies Accumulation[];

/**
 * Checks what a window was given.
 *
 * @param what begins errors' messages
 * @returns nothing for a window that makes one row
 * @throws definition errors `window/trigger`, `time/duration`
 */
export function checkedTrigger(
  what: string,
  trigger: WindowTrigger | undefined,
  accumulation: Accumulation | undefined,
): CheckedTrigger | undefined {
  if (accumulation !== undefined && !ACCUMULATIONS.includes(accumulation)) {
    throw refuse(
      what,
      `the accumulation ${JSON.stringify(accumulation)} is not known`,
      `Use ${ACCUMULATIONS.join(", ")}.`,
    );
  }
  if (trigger === undefined) {
    if (accumulation === undefined) return undefined;
    throw refuse(what, "says how rows accumulate, and makes one only", "Give it a trigger, or leave accumulation out.");
  }
  const { early, late } = trigger;
  const other = Object.keys(trigger).find((name) => name !== "early" && name !== "late");
  if (other !== undefined || (early === undefined && late === undefined)) {
    throw refuse(
      what,
      "has a trigger without early or late firings",
      "Say which: { early: …, late: … }, or leave it out.",
    );
  }
  const checkedLate = late === undefined ? undefined : checkedFiring(`${what}: late`, late);
  if (checkedLate !== undefined && !("records" in checkedLate)) {
    throw refuse(what, "fires late by time", 'Late rows come "onUpdate" or every { records: n }.');
  }
  return {
    early: early === undefined ? undefined : checkedFiring(`${what}: early`, early),
    late: checkedLate,
    accumulation: accumulation ?? "accumulating",
  };
}

function checkedFiring(what: string, firing: EarlyFiring): Firing {
  if (firing === "onUpdate") return { records: 1 };
  if (typeof firing !== "object" || firing === null || Object.keys(firing).length !== 1) {
    throw refuse(what, `${JSON.stringify(firing)} is no firing`, ADVICE);
  }
  if ("records" in firing) {
    if (Number.isSafeInteger(firing.records) && firing.records > 0) return firing;
    throw refuse(what, `${String(firing.records)} records is not a whole number above zero`);
  }
  if ("eventTime" in firing) return { eventTime: toPositiveMillis(firing.eventTime, `${what}: eventTime`) };
  if ("processingTime" in firing) {
    return { processingTime: toPositiveMillis(firing.processingTime, `${what}: processingTime`) };
  }
  throw refuse(what, `${JSON.stringify(firing)} is no firing`, ADVICE);
}

const ADVICE =
  'Use "onUpdate", { records: 100 }, { eventTime: { minutes: 5 } } or { processingTime: { seconds: 30 } }.';

const refuse = (what: string, problem: string, advice?: string) =>
  definitionError({
    code: "window/trigger",
    message: `${what}: ${problem}.`,
    ...(advice === undefined ? {} : { advice }),
  });
