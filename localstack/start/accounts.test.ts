import { count, kinesis, lake, pipeline, text, tumbling, bigint, timestamp } from "millrace";
import type { TaskStatus } from "millrace/lambda";
import { expect, test } from "vitest";
import { z } from "zod";
import { planStages } from "../../lib/plan/stage.ts";
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
  const accounts = accountsOf(chain, planStages(chain)[0]!, tasks);
  expect(accounts).toEqual({ stage: "clicks", in: 15, folded: 11, filtered: 2, late: 1, dead: 1, closed: 5, sent: {} });
  expect(equation(accounts)).toBe("in 15 = folded 11 + filtered 2 + late 1 + dead 1");
  expect(addsUp([accounts], 15)).toBe(true);
});

test("a record too few or too many does not add up", () => {
  const accounts = accountsOf(chain, planStages(chain)[0]!, tasks);
  expect(addsUp([accounts], 16)).toBe(false);
  expect(addsUp([{ ...accounts, late: 0 }], 15)).toBe(false);
  expect(addsUp([{ ...accounts, folded: 12 }], 15)).toBe(false);
  expect(addsUp([{ ...accounts, in: 16, dead: 2 }], 15)).toBe(false);
});

const staged = pipeline("staged-clicks", (flow) => {
  const perUser = flow
    .from(source)
    .filter("real", (click) => click.user !== "")
    .keyBy("by-user", { user: (click) => click.user })
    .window("hourly", tumbling({ hours: 1 }))
    .aggregate({ clicks: count() });
  perUser
    .filter("busy", ({ clicks }) => clicks > 1)
    .keyBy("by-clicks", { clicks: (row) => row.clicks })
    .window("daily", tumbling({ days: 1 }))
    .aggregate({ users: count() })
    .to(lake("daily_users", { clicks: bigint, windowStart: timestamp, windowEnd: timestamp, users: bigint }));
});

/** Ten clicks, of which one is dead and two are filtered; seven to the next stage, whose three rows, less one, go on. */
const tasksOf: Readonly<Record<string, readonly TaskStatus[]>> = {
  clicks: [task({ clicks: { in: 10, dead: 1 }, real: { in: 9, filtered: 2 }, "by-user": { in: 7, folded: 7 } })],
  "by-user": [
    task({
      "by-user": { in: 4 },
      hourly: { in: 4, folded: 4, closed: 1 },
      busy: { in: 1 },
      "by-clicks": { folded: 1 },
    }),
    task({ "by-user": { in: 3, dead: 1 }, hourly: { in: 2, folded: 2, closed: 2 }, busy: { in: 2, filtered: 1 } }),
    task({ "by-clicks": { in: 1, folded: 1 } }),
  ],
  "by-clicks": [task({ "by-clicks": { in: 2 }, daily: { in: 2, folded: 1, late: 1, closed: 1 } })],
};

const accountsOfAll = () => planStages(staged).map((stage) => accountsOf(staged, stage, tasksOf[stage.name]!));

test("each stage has its own accounts: records end in its window or go on, and its rows are not among them", () => {
  expect(accountsOfAll()).toEqual([
    { stage: "clicks", in: 10, folded: 7, filtered: 2, late: 0, dead: 1, closed: 0, sent: { "by-user": 7 } },
    { stage: "by-user", in: 7, folded: 6, filtered: 0, late: 0, dead: 1, closed: 3, sent: { "by-clicks": 2 } },
    { stage: "by-clicks", in: 2, folded: 1, filtered: 0, late: 1, dead: 0, closed: 1, sent: {} },
  ]);
  expect(addsUp(accountsOfAll(), 10)).toBe(true);
});

test("what a stage took in is what was sent to it, no more and no less", () => {
  const [clicks, byUser, byClicks] = accountsOfAll();
  expect(addsUp([clicks!, { ...byUser!, in: 8, folded: 7 }, byClicks!], 10)).toBe(false);
  expect(addsUp([clicks!, { ...byUser!, in: 6, folded: 5 }, byClicks!], 10)).toBe(false);
  expect(addsUp([clicks!, { ...byUser!, sent: { "by-clicks": 3 } }, byClicks!], 10)).toBe(false);
});
