import { expect, test } from "vitest";
import { hear, joinProducers, leastTold, PRODUCERS, timeOf } from "../../lib/state/producers.ts";
import { TaskState } from "../../lib/state/task-state.ts";
import { parseTaskName } from "../../lib/state/task-id.ts";
import { dueRequests, nextRequest } from "../../lib/state/wake-requests.ts";
import type { TableDelta } from "../../lib/state/keyed-table.ts";

const heirOf = (producer: string, watermark: number) =>
  [producer, 3, { watermark, isIdle: false, heirs: ["child"] }] as const;

/** A reader that heard of these. */
function reader(...news: readonly ReturnType<typeof heirOf>[]): TaskState {
  const state = new TaskState();
  for (const of of news) hear(state, ...of);
  return state;
}

const tableOf = (state: TaskState): TableDelta => state.snapshot().find(([name]) => name === PRODUCERS)![1];

test.each([
  [[heirOf("fast", 90)], [heirOf("slow", 10)]],
  [[heirOf("slow", 10)], [heirOf("fast", 90)]],
  [[heirOf("fast", 90)], [heirOf("fast", 90), heirOf("slow", 10)]],
  [[heirOf("fast", 90), heirOf("slow", 10)], [heirOf("fast", 90)]],
])(
  "a producer that takes over from two is no further than the slower one, whichever merged reader heard of it",
  (a, b) => {
    const merged = new TaskState();
    merged.apply(merged.header(), [[PRODUCERS, joinProducers([tableOf(reader(...a)), tableOf(reader(...b))])]], true);
    expect(timeOf(merged, ["stage"], () => ({ stage: "stage", incarnation: 0 }))).toEqual({
      watermark: 10,
      areIdle: false,
      missing: [],
    });
  },
);

test("what parents have asked of producers is no producer, and the task that takes over asks anew", () => {
  const parents = [reader(heirOf("fast", 90)), reader(heirOf("fast", 90))];
  for (const [i, parent] of parents.entries()) dueRequests(parent, ["silent"], i);
  const merged = new TaskState();
  merged.apply(merged.header(), [[PRODUCERS, joinProducers(parents.map(tableOf))]], true);
  const taskOf = (name: string) => ({ stage: name === "silent" ? "stage" : "other", incarnation: 0 });
  expect(timeOf(merged, ["stage"], taskOf).missing).toEqual(["stage"]);
  expect(nextRequest(merged)).toBe(Number.POSITIVE_INFINITY);
  expect(dueRequests(merged, ["silent"], 1e6)).toEqual([]);
  expect(dueRequests(merged, ["silent"], nextRequest(merged))).toEqual(["silent"]);
});

test("X6: the tasks of a stream that was made anew are waited for, and not those of the one before, which say nothing more", () => {
  const state = new TaskState();
  const name = (incarnation: number, shard: number) => `p:0:views:views.${incarnation}:shardId-00000000000${shard}`;
  hear(state, name(0, 0), 5, { watermark: 10, isIdle: false, roots: [name(0, 0), name(0, 1)] });
  hear(state, name(1, 0), 1, { watermark: 50, isIdle: false, roots: [name(1, 0), name(1, 1)] });
  hear(state, name(1, 1), 1, { watermark: 40, isIdle: false });
  expect(timeOf(state, ["views"], parseTaskName)).toEqual({ watermark: 40, areIdle: false, missing: [] });
  expect(leastTold(state, ["views"], parseTaskName)).toBe(40);
});
