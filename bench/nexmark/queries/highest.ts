import { custom } from "millrace";
import * as z from "zod";

/**
 * What is chosen of the records that have most of a number: of equals, of all of them, in no order. Where they are few,
 * as the accumulator holds them all.
 */
export function allHighest<T, V>(of: {
  readonly by: (record: T) => number;
  readonly value: (record: T) => V;
  /** Of what is chosen. */
  readonly schema: z.ZodType<V>;
}) {
  const state = z.object({ most: z.number(), values: z.array(of.schema) });
  type Highest = z.infer<typeof state>;
  const merged = (a: Highest, b: Highest): Highest => {
    if (a.values.length === 0 || b.values.length === 0) return a.values.length === 0 ? b : a;
    if (a.most !== b.most) return a.most > b.most ? a : b;
    return { most: a.most, values: [...a.values, ...b.values] };
  };
  return custom<T, Highest, readonly V[]>({
    state,
    init: () => ({ most: 0, values: [] }),
    add: (highest, record) => {
      const most = of.by(record);
      if (highest.values.length > 0 && most < highest.most) return highest;
      return merged(highest, { most, values: [of.value(record)] });
    },
    merge: merged,
    result: ({ values }) => values,
  });
}
