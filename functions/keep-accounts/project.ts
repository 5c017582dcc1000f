import { bigint, text, timestamp, value, view, type Stream } from "millrace";
import * as z from "zod";
import type { AccountEvent } from "./schemas.ts";

/** Each open account. Its events are numbered: that says which row is newer, whoever computes it and when. */
export const balances = view("balances", {
  key: { account: text },
  columns: { balance: bigint, sequence: bigint, at: timestamp },
  version: "sequence",
});

/** What was moved on each day, UTC: of all accounts, which other tasks keep. */
export const dailyTotals = view("daily_totals", {
  key: { day: timestamp },
  columns: { deposited: bigint, withdrawn: bigint, events: bigint },
  version: "events",
});

const totals = z.object({ deposited: z.number(), withdrawn: z.number(), events: z.number() });

/** The views of events: here as they happen, and in rebuild.ts of those that were kept. */
export function project(events: Stream<AccountEvent, { readonly account: string }>): void {
  events
    .map("balance", ({ account, balance, sequence, at, type }) => ({
      account,
      balance,
      sequence,
      at,
      removed: type === "closed",
    }))
    .to(balances);
  events
    .keyBy("by-day", { day: ({ at }) => at - (at % 86_400_000) })
    .process("totals", {
      state: { totals: value(totals) },
      *onRecord({ type, amount }, { key: { day }, state }) {
        const { deposited, withdrawn, events } = state.totals.get() ?? { deposited: 0, withdrawn: 0, events: 0 };
        const after = {
          deposited: deposited + (type === "deposited" ? amount : 0),
          withdrawn: withdrawn + (type === "withdrawn" ? amount : 0),
          events: events + 1,
        };
        state.totals.set(after);
        yield { day, ...after };
      },
    })
    .to(dailyTotals);
}
