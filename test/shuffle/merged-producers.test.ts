import { expect, test } from "vitest";
import { hear, joinProducers, PRODUCERS, timeOf } from "../../lib/state/producers.ts";
import { TaskState } from "../../lib/state/task-state.ts";
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
    expect(timeOf(merged, ["stage"], () => "stage")).toEqual({ watermark: 10, areIdle: false });
  },
);
