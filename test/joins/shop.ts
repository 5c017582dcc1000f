import { kinesis, lake, nullable, pipeline, text, timestamp, type JoinOptions } from "millrace";
import { z } from "zod";

const timed = { eventTime: (event: { readonly at: number }) => event.at, disorder: { millis: 100 } } as const;

const order = z.object({ id: z.string(), customer: z.string(), at: z.number() });
/** A customer's name since a time; null for a customer who is gone. `seq` is the order in the database. */
const naming = z.object({ customer: z.string(), seq: z.number(), name: z.string().nullable(), at: z.number() });
export type Order = z.infer<typeof order>;
export type Naming = z.infer<typeof naming>;

export const orders = kinesis("orders", { schema: order, ...timed });
export const namings = kinesis("namings", { schema: naming, ...timed });
export const named = lake("named", { id: text, customer: text, name: nullable(text), at: timestamp });
export const once = lake("once", { id: text, customer: text, name: nullable(text), at: timestamp });
export const lateOrders = lake("late_orders", { id: text });
export const lateNamings = lake("late_namings", { name: nullable(text), at: timestamp });

export interface Named {
  readonly id: string;
  readonly customer: string;
  readonly name?: string | null;
  readonly at: number;
}

/** Orders with the names that their customers had. */
export const shop = (options: Omit<JoinOptions, "type"> & { readonly type?: "left" | "inner" } = {}) =>
  pipeline("shop", (flow) => {
    const customers = flow.from(namings).toTable("customers", {
      key: { customer: (one) => one.customer },
      row: ({ name, seq }) => (name === null ? undefined : { name, seq }),
      order: (one) => one.seq,
      keepRemoved: { seconds: 1 },
    });
    const joined = flow
      .from(orders)
      .keyBy("orders-by-customer", { customer: (one) => one.customer })
      .join("with-customer", customers, (one, row) => ({ ...one, name: row?.name }), options as { type?: "left" });
    joined.to(named);
    joined.byKey.deduplicate("once-each", { id: ({ id }) => id, within: { seconds: 1 } }).to(once);
    joined.late.map("late-ids", ({ id }) => ({ id })).to(lateOrders);
    joined.lateChanges.map("late-names", ({ at, row }) => ({ at, name: row?.name })).to(lateNamings);
    return { joined };
  });

/** What a batch job would say, which has all there is, in order. */
export const naive = (all: readonly Order[], changes: readonly Naming[]): readonly Named[] =>
  all.map((one) => {
    const sorted = changes
      .filter(({ customer, at }) => customer === one.customer && at <= one.at)
      .sort((a, b) => a.at - b.at || a.seq - b.seq);
    return { ...one, name: sorted.at(-1)?.name ?? null };
  });

export const textOf = ({ id, customer, name, at }: Named): string => `${at} ${id} ${customer} ${name ?? "nobody"}`;
