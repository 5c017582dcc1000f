import { definitionError, systemicError } from "../../errors.ts";
import type { LakeColumn } from "./row.ts";

/** The column that says which day's folder a row is in. It is in no file: the folder's name is its value. */
export const EVENT_DATE = "event_date";

const DAY = 86_400_000;

/** The first instant whose year has five digits. */
const YEAR_10000 = Date.UTC(10_000, 0, 1);

/** Folders by the UTC day of one of the row's timestamps, as it is declared. */
export interface DayPartition<out F extends string = string> {
  /** The row's field, e.g. `windowStart`. */
  readonly field: F;
  /** The first day that a row may have, e.g. `2024-01-01`. */
  readonly from: string;
}

/** {@link DayPartition}, checked: what files are put into folders by. */
export interface EventDates {
  /** The table's column, e.g. `window_start`. */
  readonly column: string;
  /** The first day, as it is written in a folder's name. */
  readonly from: string;
}

/**
 * Puts a lake's rows into one folder a day, by a timestamp of theirs, in UTC: queries that say which days they want
 * read these alone.
 *
 * @example
 * lake("daily_sales", { shop: text, windowStart: timestamp, total: double }, {
 *   partitionBy: day("windowStart", { from: "2024-01-01" }),
 * });
 *
 * @param field a column of type `timestamp` that is never missing
 * @param options `from`: the first day that a row may have; Athena looks at no folder before it, so that a row before
 *   it is a dead letter
 */
export const day = <const F extends string>(field: F, options: { readonly from: string }): DayPartition<F> => ({
  field,
  from: options.from,
});

/** @throws definition error `lake/partition` */
export function checkedEventDates(
  name: string,
  columns: readonly LakeColumn[],
  { field, from }: DayPartition,
): EventDates {
  const column = columns.find((each) => each.field === field);
  if (column?.type !== "timestamp" || column.nullable) {
    throw refuse(name, `partitionBy names "${field}", which is not a column of timestamps that are always there`);
  }
  const start = Date.parse(from);
  if (!/^\d{4}-\d\d-\d\d$/.test(from) || Number.isNaN(start) || dateText(start) !== from) {
    throw refuse(name, `partitionBy begins at ${JSON.stringify(from)}, which is not a day such as 2024-01-01`);
  }
  if (columns.some((each) => each.name === EVENT_DATE)) {
    throw refuse(name, `it has a column ${EVENT_DATE}, which is the name of its folders`);
  }
  return { column: column.name, from };
}

/** Why a row of this time has no folder; nothing when it has one. */
export function outOfDates({ from }: EventDates, time: number): string | undefined {
  if (time < Date.parse(from)) return `before ${from}, the first day of the lake`;
  return time >= YEAR_10000 ? "after the year 9999" : undefined;
}

/** The folder that an encoded row belongs into: the same for every delivery of the row, as it is its text's alone. */
export function eventDateOf({ column }: EventDates, body: string): string {
  // Within a text the quote would be escaped: what matches is the column.
  const millis = new RegExp(`"${column}":(-?\\d+)[,}]`).exec(body)?.[1];
  if (millis === undefined) throw noDay(column);
  return dateText(Math.floor(Number(millis) / DAY) * DAY);
}

const noDay = (column: string) =>
  systemicError({
    code: "lake/no-day",
    message: `A row has no "${column}", by which the lake's files are put into folders: another build encoded it.`,
    advice: "Deploy the build that sent it until it is delivered.",
  });

const dateText = (midnight: number): string => new Date(midnight).toISOString().slice(0, 10);

const refuse = (name: string, problem: string) =>
  definitionError({ code: "lake/partition", message: `lake("${name}"): ${problem}.` });
