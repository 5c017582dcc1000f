import { storableCopy } from "./storable.ts";

type Plain = string | number | bigint | boolean | null | undefined | Date;

/** A value as state gives it out: to be read, not changed. */
export type Stored<V> = unknown extends V ? V : V extends Plain ? V : { readonly [P in keyof V]: Stored<V[P]> };

/** What is frozen already, and whether it holds Dates, which cannot be. */
const frozen = new WeakMap<object, boolean>();

/**
 * A stored value for user code. State is never changed in place (X7): objects are frozen, so that an attempt throws;
 * what holds Dates is a copy.
 */
export function readable(value: unknown): unknown {
  if (typeof value !== "object" || value === null) return value;
  return (frozen.get(value) ?? freeze(value)) ? storableCopy(value, "A stored value") : value;
}

/** @returns whether there are Dates in it */
function freeze(value: object): boolean {
  let dates = value instanceof Date;
  if (!dates) {
    for (const item of Object.values(value) as unknown[]) {
      if (typeof item === "object" && item !== null && freeze(item)) dates = true;
    }
    Object.freeze(value);
  }
  frozen.set(value, dates);
  return dates;
}
