import { poisonError } from "../errors.ts";
import { ordered } from "./ordered.ts";

/** What can be told apart: values of different types are different, 0 and −0 are one. */
export type Countable = string | number | bigint | boolean;

/** Wraps a record's field so that anything else, NaN included, is poison. */
export const countable = <T>(name: string, field: (record: T) => Countable): ((record: T) => Countable) => {
  const value = ordered(name, (one: string | number | bigint) => one);
  return (record) => {
    const given = field(record);
    if (typeof given === "boolean") return given;
    if (given !== null && given !== undefined) return value(given);
    throw poisonError({
      code: "aggregate/nothing",
      message: `${name}() was given ${String(given)}, which is no value.`,
      advice: "Filter such records out, or count them as a value of their own.",
    });
  };
};

/** An order for sorted lists: by type, then by value. */
export const compareCountable = (a: Countable, b: Countable): number =>
  typeof a === typeof b ? (a < b ? -1 : a > b ? 1 : 0) : typeof a < typeof b ? -1 : 1;

export const isCountable = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "bigint" || typeof value === "boolean" || Number.isFinite(value);
