import { systemicError } from "../errors.ts";
import type { OperatorContext, Push } from "./operator.ts";

/** Lets through what the predicate accepts; counts the rest as filtered. */
export function filterOperator(
  name: string,
  predicate: (value: never) => boolean,
  context: OperatorContext,
  next: Push,
): Push {
  const accepts = predicate as (value: unknown) => boolean;
  const counts = context.state.counters.of(name);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    const accepted = accepts(value);
    refusePromise(name, accepted);
    if (accepted) next(value, meta);
    else counts.filtered.add();
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
  const counts = context.state.counters.of(name);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    const result = changed(value);
    refusePromise(name, result);
    next(result, meta);
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
  const counts = context.state.counters.of(name);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    let none = true;
    const items = expanded(value);
    refusePromise(name, items);
    for (const item of items) {
      refusePromise(name, item);
      none = false;
      next(item, meta);
      context.enter(name);
    }
    if (none) counts.filtered.add();
  };
}

/** Sends a value to the first branch whose predicate holds, or to the branch `rest`. */
export function splitOperator(
  name: string,
  branches: readonly (readonly [branch: string, predicate: (value: never) => boolean])[],
  context: OperatorContext,
  branchOf: (branch: string) => Push,
): Push {
  const outlets = branches.map(([branch, predicate]) => ({
    accepts: predicate as (value: unknown) => boolean,
    next: branchOf(branch),
  }));
  const rest = branchOf("rest");
  const counts = context.state.counters.of(name);
  return (value, meta) => {
    context.enter(name);
    counts.in.add();
    for (const { accepts, next } of outlets) {
      const accepted = accepts(value);
      refusePromise(name, accepted);
      if (accepted) return next(value, meta);
    }
    rest(value, meta);
  };
}

/** Sends every value to each of the branches, in their order. */
export function fanOut(branches: readonly Push[]): Push {
  if (branches.length === 1) return branches[0]!;
  return (value, meta) => {
    for (const branch of branches) branch(value, meta);
  };
}

/** A fold cannot wait: a promise would be folded as an object, and its rejection would end the process. */
export function refusePromise(operator: string, result: unknown): void {
  if (typeof result !== "object" || result === null || !("then" in result) || typeof result.then !== "function") return;
  void Promise.resolve(result).catch(() => undefined); // its outcome is of no interest any more
  throw systemicError({
    code: "operator/asynchronous",
    message: `Operator "${operator}" was given an asynchronous function, which a fold cannot wait for.`,
    advice: "Make the function synchronous; look things up before the record is put, or after the row is written.",
  });
}
