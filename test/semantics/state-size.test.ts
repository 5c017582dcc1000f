import { bigint, eventTime, kinesis, lake, map, pipeline, value } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { tablesOf } from "../../lib/plan/compile.ts";
import { planStages } from "../../lib/plan/stage.ts";
import { entriesByOperator, largestKeys } from "../../lib/state/state-size.ts";
import { folding } from "../support/folding.ts";

const growing = pipeline("growing", (flow) => {
  const events = kinesis("events", {
    schema: z.object({ key: z.string(), n: z.number() }),
    key: { key: (e) => e.key },
    eventTime: () => 0,
    disorder: {},
  });
  flow
    .from(events)
    .byKey.process("grow", {
      state: { last: value(z.number()), all: map(z.number(), z.string()) },
      timers: { later: eventTime },
      *onRecord({ n }, { state, timers }) {
        state.last.set(n);
        for (let i = 0; i < n; i++) state.all.set(i, "x".repeat(10));
        timers.later.set(1_000);
        yield { n };
      },
      onTimer: () => undefined,
    })
    .to(lake("out", { n: bigint }));
});

test("a state that runs away is seen: entries per operator, and the keys that take most of it, of all its tables", () => {
  const { push, state } = folding(growing);
  push({ key: "small", n: 1 } as never, { key: "large", n: 50 } as never, { key: "middle", n: 10 } as never);
  // Of each key: the last one, the map's, and a timer.
  expect([...entriesByOperator(state)]).toEqual([["grow", 3 + 61 + 3]]);
  const tables = tablesOf(growing, planStages(growing)[0]!);
  const largest = largestKeys(state.snapshot(), (table, key) => tables.get(table)?.keyCodeOf(key), 2);
  expect(largest).toMatchObject([
    { operator: "grow", keyCode: "slarge", entries: 52 },
    { operator: "grow", keyCode: "smiddle", entries: 12 },
  ]);
  expect(largest[0]!.bytes).toBeGreaterThan(50 * 10);
});
