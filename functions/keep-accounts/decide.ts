import * as z from "zod";
import type { AccountEvent, Command } from "./schemas.ts";

/** What a decision needs to know of an account: the fold of its events. */
export const account = z.object({ isOpen: z.boolean(), balance: z.number().int(), sequence: z.number().int() });

export type Account = z.infer<typeof account>;

export const NO_ACCOUNT: Account = { isOpen: false, balance: 0, sequence: 0 };

export type Decision = { readonly event: AccountEvent } | { readonly reason: string };

/** Decides a command. Pure: the same account and command, the same decision. */
export function decide({ isOpen, balance, sequence }: Account, command: Command): Decision {
  const event = (type: AccountEvent["type"], amount: number, after: number): Decision => {
    const { account, id: commandId, at } = command;
    return { event: { account, sequence: sequence + 1, type, amount, balance: after, commandId, at } };
  };
  if (command.type === "open") return isOpen ? { reason: "is open already" } : event("opened", 0, 0);
  if (!isOpen) return { reason: "is not open" };
  switch (command.type) {
    case "deposit":
      return event("deposited", command.amount, balance + command.amount);
    case "withdraw":
      if (command.amount > balance) return { reason: "has too little" };
      return event("withdrawn", command.amount, balance - command.amount);
    case "close":
      return balance > 0 ? { reason: "has money" } : event("closed", 0, 0);
  }
}

/** An account after an event. */
export const evolve = ({ type, balance, sequence }: AccountEvent): Account => ({
  isOpen: type !== "closed",
  balance,
  sequence,
});
