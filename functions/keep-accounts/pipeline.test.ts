import fc from "fast-check";
import { partitionKeyOf } from "millrace";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import accounts, { accountEvents, commands, rejections } from "./pipeline.ts";
import { balances, dailyTotals } from "./project.ts";
import type { Command } from "./schemas.ts";

const T0 = Date.UTC(2001, 0, 1);
const HOUR = 3_600_000;
const driver = () => testDriver(accounts, { start: T0 + 100 * HOUR, shards: 2, deadLetters: "throw" });

let ids = 0;
const open = (account: string): Command => ({ type: "open", id: `c${ids++}`, account, at: T0 });
const move = (type: "deposit" | "withdraw", account: string, amount: number): Command => ({
  type,
  id: `c${ids++}`,
  account,
  amount,
  at: T0,
});
const deposit = (account: string, amount: number) => move("deposit", account, amount);
const withdraw = (account: string, amount: number) => move("withdraw", account, amount);

test("an account's events are numbered, and its balance is the newest row's", () => {
  const bank = driver();
  for (const command of [open("a"), deposit("a", 500), withdraw("a", 200)]) bank.push(commands, command);
  expect(bank.read(accountEvents).map(({ type, sequence, balance }) => [type, sequence, balance])).toEqual([
    ["opened", 1, 0],
    ["deposited", 2, 500],
    ["withdrawn", 3, 300],
  ]);
  expect(bank.read(balances).at(-1)).toEqual({ account: "a", balance: 300, sequence: 3, at: T0 });
});

test("a command that was sent twice is decided once, whatever has happened since", () => {
  const bank = driver();
  const twice = deposit("a", 500);
  for (const command of [open("a"), twice, withdraw("a", 500), twice]) bank.push(commands, command);
  expect(bank.read(accountEvents)).toHaveLength(3);
  expect(bank.read(rejections)).toEqual([]);
});

test("what cannot be is rejected, with the reason, and changes nothing", () => {
  const bank = driver();
  for (const command of [deposit("a", 1), open("a"), open("a"), withdraw("a", 1)]) bank.push(commands, command);
  expect(bank.read(rejections).map(({ reason }) => reason)).toEqual([
    "is not open",
    "is open already",
    "has too little",
  ]);
  expect(bank.read(accountEvents)).toHaveLength(1);
});

test("an account that is closed leaves the view", () => {
  const bank = driver();
  bank.push(commands, open("a"));
  bank.push(commands, { type: "close", id: "close", account: "a", at: T0 });
  expect(bank.read(balances).at(-1)).toEqual({ account: "a", sequence: 2, removed: true });
});

test("a day's totals are of all accounts, and no money is made or lost", () => {
  const step = fc.record({
    account: fc.constantFrom("a", "b", "c"),
    type: fc.constantFrom("open" as const, "deposit" as const, "withdraw" as const, "close" as const),
    amount: fc.integer({ min: 1, max: 9 }),
    hour: fc.nat(70),
  });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
      const bank = driver();
      steps
        .toSorted((a, b) => a.hour - b.hour)
        .forEach(({ hour, ...command }, i) => {
          bank.push(commands, { ...command, id: `s${i}`, at: T0 + hour * HOUR });
        });
      const events = bank.read(accountEvents);
      const rows = new Map(bank.read(dailyTotals).map((row) => [row.day, row]));
      for (const row of rows.values()) {
        const own = events.filter(({ at }) => at - (at % 86_400_000) === row.day);
        const sum = (type: string) => own.reduce((all, e) => all + (e.type === type ? Number(e.amount) : 0), 0);
        expect(row).toMatchObject({ deposited: sum("deposited"), withdrawn: sum("withdrawn"), events: own.length });
      }
      const held = new Map(bank.read(balances).map((row) => [partitionKeyOf({ account: row.account }), row]));
      const moved = [...rows.values()].reduce(
        (all, row) => ("deposited" in row ? all + Number(row.deposited) - Number(row.withdrawn) : all),
        0,
      );
      expect([...held.values()].reduce((all, row) => all + ("balance" in row ? Number(row.balance) : 0), 0)).toBe(
        moved,
      );
    }),
    { numRuns: 50 },
  );
});
