import { poisonError } from "../errors.ts";
import { finite } from "./aggregate.ts";
import { chosenCopy } from "./chosen.ts";

/** What has an order: numbers, bigints of 64 bits, and texts by their UTF-16 code units, as `<` has it. */
export type Ordered = number | bigint | string;

/** Wraps a record's field so that what has no order, NaN included, is poison. */
export const ordered = <T, V extends Ordered>(name: string, field: (record: T) => V): ((record: T) => V) => {
  const number = finite(name, (value: number) => value);
  return (record) => {
    const value = field(record);
    // What is neither bigint nor text is a number, or refused.
    return typeof value === "bigint" || typeof value === "string" ? chosenCopy(name, value) : (number(value) as V);
  };
};

/**
 * Negative, zero or positive.
 *
 * @throws poison error `aggregate/mixed` for values of two types, which have no order
 */
export function compare(name: string, a: Ordered, b: Ordered): number {
  if (typeof a === typeof b) return a < b ? -1 : a > b ? 1 : 0;
  throw poisonError({
    code: "aggregate/mixed",
    message: `${name}() was given a ${typeof a} and a ${typeof b}, which have no order.`,
    advice: "Give it values of one type.",
  });
}

export const isOrdered = (value: unknown): boolean =>
  typeof value === "string" || typeof value === "bigint" || Number.isFinite(value);
