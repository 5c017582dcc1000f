import { custom, kinesis } from "millrace";
import { z } from "zod";

/** What most pipelines of this folder read. */
export const event = z.object({ key: z.string(), time: z.number(), n: z.number() });
export type Event = z.infer<typeof event>;

/** Events on the partitions of their keys, whose time moves by records alone. @param disorder milliseconds */
export const eventsOf = <T extends { readonly key: string; readonly time: number }>(
  schema: z.ZodType<T>,
  disorder: number,
) =>
  kinesis("events", {
    schema,
    key: { key: (e: T) => e.key },
    eventTime: (e: T) => e.time,
    disorder: { millis: disorder },
    idle: "never",
    maxFuture: "unbounded",
  });

/** Numbers in ascending order, however they came together. */
export const shown = (numbers: readonly number[]): string => numbers.toSorted((a, b) => a - b).join(" ");

/** The numbers of events, as the first version of an aggregate of one's own keeps them. */
export const listed = custom<{ readonly n: number }, number[], string>({
  state: z.array(z.number()),
  init: () => [],
  add: (numbers, e) => [...numbers, e.n],
  merge: (a, b) => [...a, ...b],
  result: shown,
});

/** The same as the second version keeps them. */
export const boxed = custom<{ readonly n: number }, { numbers: number[] }, string>({
  state: z.object({ numbers: z.array(z.number()) }),
  init: () => ({ numbers: [] }),
  add: ({ numbers }, e) => ({ numbers: [...numbers, e.n] }),
  merge: (a, b) => ({ numbers: [...a.numbers, ...b.numbers] }),
  result: ({ numbers }) => shown(numbers),
  version: 2,
  migrate: { 1: (numbers: number[]) => ({ numbers }) },
});
