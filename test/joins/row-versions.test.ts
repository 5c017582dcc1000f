import { expect, test } from "vitest";
import { RowVersions } from "../../lib/operators/join/row-versions.ts";
import { TaskState } from "../../lib/state/task-state.ts";

test("a row that changes often: a change does not look at all of its versions", () => {
  const state = new TaskState();
  const rows = new RowVersions("join", state, 1_000);
  const versions = 20_000;
  const began = process.cpuUsage();
  for (let n = 0; n < versions; n++) {
    state.beginUnit();
    rows.add("key", [2 * n, null, "", n], Number.NEGATIVE_INFINITY);
    // Some come late.
    if (n % 10 === 9) rows.add("key", [2 * n - 7, null, "", -n], Number.NEGATIVE_INFINITY);
  }
  // Sorting them for each would take minutes.
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(10_000);
  expect(rows.of("key")).toHaveLength(1.1 * versions);
  expect([11, 12, 13].map((time) => rows.at("key", time)![3])).toEqual([-9, 6, 6]);
});
