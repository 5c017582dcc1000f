import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import type { Accounts } from "./accounts.ts";
import type { Comparison } from "./compare.ts";
import { Printer } from "./print.ts";
import { conclude } from "./verdict.ts";

const accounts: Accounts = {
  stage: "clicks",
  in: 1_000,
  folded: 900,
  filtered: 60,
  late: 40,
  dead: 0,
  closed: 1_234,
  sent: {},
};
/** Of a stage that reads what the first one sends. */
const next: Accounts = { ...accounts, stage: "by-user", in: 900, folded: 899, filtered: 0, late: 0, dead: 1 };
const right: Comparison = {
  expected: 1_234,
  delivered: 1_234,
  equal: 1_234,
  missing: 0,
  repeated: 0,
  different: 0,
  examples: [],
};
const late: Comparison = { ...right, expected: 40, delivered: 40, equal: 40 };

function verdict(
  change: {
    accounts?: Partial<Accounts>;
    next?: Partial<Accounts>;
    closed?: number;
    main?: Partial<Comparison>;
    late?: Partial<Comparison>;
    everyFault?: boolean;
    wasResharded?: boolean;
    pushed?: number;
  } = {},
) {
  const out = new PassThrough();
  const ok = conclude({
    printer: new Printer(out as unknown as NodeJS.WriteStream),
    accounts:
      change.next === undefined
        ? [{ ...accounts, ...change.accounts }]
        : [
            { ...accounts, sent: { "by-user": 900 } },
            { ...next, ...change.next },
          ],
    closed: change.closed ?? 1_234,
    pushed: change.pushed ?? 1_000,
    comparisons: [
      { ...right, ...change.main },
      { ...late, ...change.late },
    ],
    everyFault: change.everyFault ?? true,
    wasResharded: change.wasResharded ?? true,
    what: "windows",
  });
  return { ok, lines: String(out.read()).trim().split("\n") };
}

test("all right: the equation, and as the last line the rows", () => {
  const { ok, lines } = verdict();
  expect(ok).toBe(true);
  expect(lines).toEqual([
    "in 1,000 = folded 900 + filtered 60 + late 40 + dead 0",
    "windows 1,234, rows equal 1,234, missing 0, repeated 0, different 0",
  ]);
});

test("of several stages one equation each", () => {
  const { ok, lines } = verdict({ next: {} });
  expect(ok).toBe(true);
  expect(lines).toEqual([
    "clicks   in 1,000 = folded 900 + filtered 60 + late 40 + dead 0",
    "by-user  in 900 = folded 899 + filtered 0 + late 0 + dead 1",
    "windows 1,234, rows equal 1,234, missing 0, repeated 0, different 0",
  ]);
});

test.each([
  ["a later stage took in more than was sent to it", { next: { in: 901, folded: 900 } }],
  ["a later stage's equation does not hold", { next: { late: 1 } }],
  ["the equation does not hold", { accounts: { folded: 899 } }],
  ["in is not what was put", { pushed: 1_001 }],
  ["a row is missing", { main: { equal: 1_233, missing: 1, delivered: 1_233 } }],
  ["a row is repeated", { main: { repeated: 1, delivered: 1_235 } }],
  ["a row is different", { main: { equal: 1_233, different: 1 } }],
  ["a late row is missing", { late: { equal: 39, missing: 1, delivered: 39 } }],
  ["nothing was expected", { main: { expected: 0, delivered: 0, equal: 0 }, closed: 0 }],
  ["tasks closed another number of windows", { closed: 1_235 }],
  ["a fault never happened", { everyFault: false }],
  ["a shard could not be split or merged", { wasResharded: false }],
])("not right: %s", (_, change) => {
  const { ok, lines } = verdict(change);
  expect(ok).toBe(false);
  expect(lines[0]).toMatch(/^NOT RIGHT: /);
  expect(lines.at(-1)).toMatch(/^windows /);
});
