import { bigint, bool, dynamoStream, lake, pipeline, reducing, text, value } from "millrace";
import * as z from "zod";

export const orders = dynamoStream("orders", {
  row: z.object({ shop: z.string(), id: z.string(), cents: z.number() }),
  key: z.object({ shop: z.string(), id: z.string() }),
  before: "row",
  disorder: { seconds: 1 },
  idle: { seconds: 3 },
});

/** What a shop's orders are worth after each change: before images are taken off, after images are added. */
export const totals = lake("totals", { shop: text, changes: bigint, cents: bigint });
/** Each change. */
export const changes = lake("changes", { shop: text, id: text, op: text, position: text, expired: bool });

export default pipeline("orders", (flow) => {
  const all = flow.from(orders);
  all
    .map("told", ({ op, key, position, source }) => ({
      ...key,
      op,
      position: position!,
      expired: source.expired ?? false,
    }))
    .to(changes);
  all
    .keyBy("by-shop", { shop: (change) => change.key.shop })
    .process("worth", {
      state: {
        changes: reducing(z.number(), (a, b) => a + b, { initial: 0 }),
        cents: value(z.number(), { initial: 0 }),
      },
      *onRecord(change, { key, state }) {
        state.changes.add(1);
        state.cents.set(state.cents.get() + (change.after?.cents ?? 0) - (change.before?.cents ?? 0));
        yield { shop: key.shop, changes: state.changes.get(), cents: state.cents.get() };
      },
    })
    .to(totals);
});
