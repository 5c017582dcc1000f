import type { OperatorContext, Push } from "./operator.ts";

/** Lets through what the predicate accepts; counts the rest as filtered. */
export function filterOperator(
  name: string,
  predicate: (value: never) => boolean,
  context: OperatorContext,
  next: Push,
): Push {
  const accepts = predicate as (value: unknown) => boolean;
  return (value, meta) => {
    context.enter(name);
    context.count(name, "in");
    if (accepts(value)) next(value, meta);
    else context.count(name, "filtered");
  };
}

/** One value for one value. The key and the event time stay the record's. */
export function mapOperator(
  name: string,
  change: (value: never) => unknown,
  context: OperatorContext,
  next: Push,
): Push {
  const changed = change as (value: unknown) => unknown;
  return (value, meta) => {
    context.enter(name);
    context.count(name, "in");
    next(changed(value), meta);
  };
}

/** Any number of values for one value; counts a record that gives none as filtered. */
export function flatMapOperator(
  name: string,
  expand: (value: never) => Iterable<unknown>,
  context: OperatorContext,
  next: Push,
): Push {
  const expanded = expand as (value: unknown) => Iterable<unknown>;
  return (value, meta) => {
    context.enter(name);
    context.count(name, "in");
    let none = true;
    for (const item of expanded(value)) {
      none = false;
      next(item, meta);
      context.enter(name);
    }
    if (none) context.count(name, "filtered");
  };
}

/** Sends every value to each of the branches, in their order. */
export function fanOut(branches: readonly Push[]): Push {
  if (branches.length === 1) return branches[0]!;
  return (value, meta) => {
    for (const branch of branches) branch(value, meta);
  };
}
