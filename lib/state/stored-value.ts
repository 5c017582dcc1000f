import { storableCopy } from "./storable.ts";

type Plain = string | number | bigint | boolean | null | undefined | Date;

/** A value as state gives it out: to be read, not changed. */
export type Stored<V> = unknown extends V ? V : V extends Plain ? V : { readonly [P in keyof V]: Stored<V[P]> };

/**
 * A stored value for user code. State is never changed in place (X7): objects are frozen, so that an attempt throws;
 * what holds Dates or bytes, which cannot be, is a copy.
 */
export function readable(value: unknown): unknown {
  // What is frozen was given out before: stored values are copies, which nobody else freezes.
  if (typeof value !== "object" || value === null || Object.isFrozen(value)) return value;
  if (!canFreeze(value)) return storableCopy(value, "A stored value");
  freeze(value);
  return value;
}

// By names, and without a list of values: it is done with each value that is read first.

function canFreeze(value: object): boolean {
  if (value instanceof Date || value instanceof Uint8Array) return false;
  for (const name in value) {
    const item = Object.hasOwn(value, name) ? (value as Items)[name] : undefined;
    if (typeof item === "object" && item !== null && !canFreeze(item)) return false;
  }
  return true;
}

function freeze(value: object): void {
  for (const name in value) {
    const item = Object.hasOwn(value, name) ? (value as Items)[name] : undefined;
    if (typeof item === "object" && item !== null) freeze(item);
  }
  Object.freeze(value);
}

/** What a stored value has, which is an array or a plain object. */
type Items = Readonly<Record<string, unknown>>;
