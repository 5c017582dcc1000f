import { definitionError, poisonError } from "../errors.ts";
import type { TimeWindows, Window } from "./window.ts";

/**
 * Windows of one's own: a pure function that says which windows a record belongs to, each once, none for a record that
 * belongs to none (it is counted as filtered). A window contains the time of each of its records. Whole milliseconds.
 *
 * @example
 * const shifts = windows({
 *   version: 1, // raised when the function puts records into other windows: state of the old ones is then refused
 *   assign: (time) => {
 *     const day = Math.floor(time / 86_400_000) * 86_400_000;
 *     const noon = day + 43_200_000;
 *     return [time < noon ? { start: day, end: noon } : { start: noon, end: day + 86_400_000 }];
 *   },
 * });
 *
 * @throws definition error `window/version`; poison error `window/assigned` for a record with other windows than that
 */
export function windows<T = unknown>(options: {
  readonly version: number;
  readonly assign: (time: number, record: T) => readonly Window[];
}): TimeWindows<T> {
  const { version, assign } = options;
  if (!Number.isSafeInteger(version) || version < 1) {
    throw definitionError({
      code: "window/version",
      message: `windows(): version ${String(version)} is not a whole number above zero.`,
    });
  }
  return {
    kind: "time",
    shape: `custom/${version}`,
    assign: (time, record) => checked(assign(time, record), time),
    startOf: undefined,
  };
}

function checked(assigned: readonly Window[], time: number): readonly Window[] {
  if (!Array.isArray(assigned)) throw refuse("no list of windows");
  const seen = new Set<string>();
  for (const { start, end } of assigned as readonly Window[]) {
    if (!Number.isSafeInteger(start) || !Number.isSafeInteger(end)) throw refuse("a bound that is no whole number");
    if (start > time || end <= time) throw refuse(`[${start}, ${end}), which does not contain it`);
    if (seen.size === seen.add(`${start} ${end}`).size) throw refuse(`[${start}, ${end}) twice`);
  }
  return assigned as readonly Window[];
}

const refuse = (what: string) =>
  poisonError({
    code: "window/assigned",
    message: `The function of windows() gave a record ${what}.`,
    advice: "It returns windows { start, end } with start <= time < end, in whole epoch milliseconds, each once.",
  });
