import { count, kinesis, lake, pipeline, text, tumbling, bigint, timestamp } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import { expect, test } from "vitest";
import { z } from "zod";
import { accountsOf, addsUp, equation } from "./accounts.ts";

const source = kinesis("clicks", {
  schema: z.object({ user: z.string(), at: z.number() }),
  key: { user: (click) => click.user },
  eventTime: (click) => click.at,
  disorder: { seconds: 10 },
});
const rows = lake("rows", { user: text, windowStart: timestamp, windowEnd: timestamp, clicks: bigint });
const late = lake("late_rows", { user: text });

const chain = pipeline("clicks", (flow) => {
  const windows = flow
    .from(source)
    .filter("real", (click) => click.user !== "")
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ clicks: count() });
  windows.to(rows);
  windows.late
    .filter("interesting", () => true)
    .map("slim", ({ user }) => ({ user }))
    .to(late);
});

const zero = { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, sent: 0, closed: 0 };
const task = (counters: Record<string, Partial<typeof zero>>): TaskStatus => ({
  task: "t",
  epoch: 1,
  position: undefined,
  watermark: 0,
  sealed: false,
  delivered: true,
  counters: new Map(Object.entries(counters).map(([name, counts]) => [name, { ...zero, ...counts }])),
});

const tasks = [
  task({
    clicks: { in: 10, dead: 1 },
    real: { in: 9, filtered: 2 },
    hourly: { in: 7, folded: 6, late: 1, closed: 3 },
    rows: { folded: 3 },
    interesting: { filtered: 1 },
  }),
  task({ clicks: { in: 5 }, hourly: { in: 5, folded: 5, closed: 2 }, rows: { folded: 2, dead: 1 } }),
];

test("adds up the chain from the source to the window over all tasks, and nothing beside it", () => {
  const accounts = accountsOf(chain, tasks);
  expect(accounts).toEqual({ in: 15, folded: 11, filtered: 2, late: 1, dead: 1, closed: 5 });
  expect(equation(accounts)).toBe("in 15 = folded 11 + filtered 2 + late 1 + dead 1");
  expect(addsUp(accounts, 15)).toBe(true);
});

test("a record too few or too many does not add up", () => {
  const accounts = accountsOf(chain, tasks);
  expect(addsUp(accounts, 16)).toBe(false);
  expect(addsUp({ ...accounts, late: 0 }, 15)).toBe(false);
  expect(addsUp({ ...accounts, folded: 12 }, 15)).toBe(false);
  expect(addsUp({ ...accounts, in: 16, dead: 2 }, 15)).toBe(false);
});
