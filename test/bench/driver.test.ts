import { expect, test } from "vitest";
import { departuresOf, measureCosts } from "../../bench/driver/costs.ts";

test("the driver's bench measures each of its pipelines in every round, and makes rows of all", () => {
  const costs = measureCosts({ records: 500, rounds: 3 });
  expect(costs.map(({ micros, ratios }) => [micros.length, ratios.length])).toEqual([
    [3, 3],
    [3, 3],
    [3, 3],
    [3, 3],
  ]);
});

test("its departures are the same in every run", () => {
  expect(departuresOf(3)).toEqual(departuresOf(3));
  expect(new Set(departuresOf(1_000).map(({ origin }) => origin)).size).toBe(60);
});
