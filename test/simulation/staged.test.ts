import { expect, test } from "vitest";
import { FAULT_KINDS } from "millrace/testing";
import { stagedConfiguration } from "./configurations.ts";
import { add, emptySum, runOnce } from "./work.ts";

const RUNS = 25;

test("X1-X12: several stages have every event's effect exactly once, whatever goes wrong between them", async () => {
  const sum = emptySum();
  for (let run = 0; run < RUNS; run++) add(sum, run, await runOnce(stagedConfiguration, "staged", run));
  expect(sum.failed).toEqual([]);
  expect(FAULT_KINDS.filter((kind) => kind.startsWith("put-") && sum.faults[kind] === 0)).toEqual([]);
  expect(sum.counts).toMatchObject({ late: expect.toSatisfy((n: number) => n > 0) });
});
