import { explain } from "millrace";
import { expect, test } from "vitest";
import routes from "../../functions/rank-routes/pipeline.ts";
import { planStages } from "../../lib/plan/stage.ts";
import type { OperatorCounts } from "../../lib/state/counters.ts";
import { measuredOf } from "./plan.ts";

const counts = (folded: number, sent: number): OperatorCounts => ({
  in: folded,
  filtered: 0,
  folded,
  late: 0,
  dead: 0,
  sent,
  closed: 0,
});

test("what is measured of a shuffle is what was counted where it is written to, over all tasks", () => {
  const stages = planStages(routes).map((stage) => ({
    stage,
    tasks: [1, 2].map((task) => ({
      // The stage that reads a shuffle counts under the name of the `keyBy`, too.
      counters: new Map(
        ["by-route", "by-origin"].map((name) => {
          const isWriter = stage.shuffles.some((shuffle) => shuffle.stage === name);
          return [name, isWriter ? counts(1_000 * task, 250 * task) : counts(7, 0)] as const;
        }),
      ),
    })),
  }));
  const measured = measuredOf(stages);
  expect(measured.get("by-route")).toEqual({ folded: 3_000, sent: 750 });
  expect(explain(routes, measured)).toContain("measured: 750 elements sent for 3,000 records, 75.0 % fewer");
});
