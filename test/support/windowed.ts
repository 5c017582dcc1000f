import {
  bigint,
  custom,
  kinesis,
  lake,
  nullable,
  pipeline,
  text,
  timestamp,
  type Pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import fc from "fast-check";
import { z } from "zod";
import { record, Rig, SMALL_LIMITS } from "./rig.ts";

/** An event with a number of its own, so that what a window holds can be told. */
export interface Numbered {
  readonly key: string;
  readonly time: number;
  readonly n: number;
  /** What it does to a window that it falls into: it is a poison record there. */
  readonly isPoison?: boolean | undefined;
  /** Milliseconds, of its own session. */
  readonly gap?: number | undefined;
}

/** A row of a window of them. */
export interface SeenRow {
  readonly key: string;
  readonly window_start?: number;
  readonly window_end?: number;
  /** The events in it, in the order of their numbers. */
  readonly seen: string;
  readonly pane?: "early" | "onTime" | "late";
  readonly pane_index?: number;
  readonly sign?: number;
}

const event = z.object({
  key: z.string(),
  time: z.number(),
  n: z.number(),
  isPoison: z.boolean().optional(),
  gap: z.number().optional(),
});

/** The numbers of a window's events. */
const seen = custom<Numbered, number[], string>({
  state: z.array(z.number()),
  init: () => [],
  add: (numbers, { n, isPoison }) => {
    numbers.push(n);
    if (isPoison === true) throw new Error("poison");
    return numbers;
  },
  merge: (a, b) => [...a, ...b],
  result: (numbers) => textOf(numbers),
});

export const textOf = (numbers: readonly number[]): string => numbers.toSorted((a, b) => a - b).join(" ");

/** A pipeline of one window over numbered events. */
export function windowed(
  assigner: WindowAssigner<Numbered>,
  { disorder = 0, ...options }: WindowOptions & { readonly disorder?: number } = {},
): Pipeline {
  const events = kinesis("events", {
    schema: event,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: { millis: disorder },
    idle: "never",
    maxFuture: "unbounded",
  });
  const rows = lake("rows", {
    key: text,
    windowStart: nullable(timestamp),
    windowEnd: nullable(timestamp),
    seen: text,
    pane: nullable(text),
    paneIndex: nullable(bigint),
    sign: nullable(bigint),
  });
  return pipeline(
    "windowed",
    (flow) => {
      const windows = flow.from(events).byKey.window("w", assigner, options).aggregate({ seen });
      windows.to(rows as never);
      windows.late.to(
        lake("late", { key: text, time: bigint, n: bigint, isPoison: nullable(text), gap: nullable(bigint) }) as never,
      );
    },
    { poison: { share: 1 } },
  );
}

/** How events are given to a task. */
export interface Feeding {
  /** Where batches are cut. */
  readonly cuts: readonly number[];
  /** Whether each batch meets a process that knows nothing, and every commit is spilled and checkpointed. */
  readonly isCold: boolean;
}

export const WHOLE: Feeding = { cuts: [], isCold: false };

export const feedings: fc.Arbitrary<Feeding> = fc.record({
  cuts: fc.array(fc.nat(60), { maxLength: 8 }),
  isCold: fc.boolean(),
});

/** Runs events through a pipeline; drains it unless told not to. */
export async function run(
  flow: Pipeline,
  events: readonly Numbered[],
  { cuts, isCold }: Feeding = WHOLE,
  drains = true,
): Promise<{ readonly rows: SeenRow[]; readonly late: number[]; readonly rig: Rig }> {
  const rig = new Rig(flow);
  const records = events.map((each, i) => record(i + 1, each));
  const at = [...new Set(cuts.map((cut) => cut % (records.length + 1)))].sort((a, b) => a - b);
  const options = isCold ? { limits: SMALL_LIMITS } : {};
  let task = rig.task(options);
  for (const [i, from] of [0, ...at].entries()) {
    const batch = records.slice(from, at[i] ?? records.length);
    if (batch.length === 0) continue;
    if (isCold) task = rig.task(options);
    await task.turn({ kind: "records", records: batch });
  }
  if (drains) await rig.task(options).turn({ kind: "drain" });
  return {
    rows: rig.rows<SeenRow>("rows"),
    late: rig.rows<{ n: number }>("late").map(({ n }) => n),
    rig,
  };
}

/**
 * A pipeline that is given one turn after the other, on a clock that is set.
 *
 * @param disorder the pipeline's: where it is large, events move no event time, and `advance` alone does
 */
export function timeline(flow: Pipeline, disorder = 0) {
  const rig = new Rig(flow);
  const task = rig.task();
  let sequence = 0;
  const feed = (...events: readonly Numbered[]) =>
    task.turn({ kind: "records", records: events.map((each) => record(++sequence, each)) });
  return {
    rig,
    feed,
    /** Moves event time alone, by a record of a key of its own. */
    advance: (watermark: number) => feed({ key: CLOCK, time: watermark + disorder, n: 0 }),
    tick: () => task.turn({ kind: "tick", id: rig.ticks().at(-1)!.id }),
    rows: () => rig.rows<SeenRow>("rows").filter(({ key }) => key !== CLOCK),
    panes: () =>
      rig
        .rows<SeenRow>("rows")
        .filter(({ key }) => key !== CLOCK)
        .map(({ pane, seen }) => [pane, seen]),
    late: () => rig.rows<{ n: number }>("late").map(({ n }) => n),
  };
}

/** The key of records that only move event time. */
const CLOCK = "clock";

/** Events in any order, with numbers of their own. */
export const eventsOf = ({ maxLength = 40, max = 120, min = -40 } = {}): fc.Arbitrary<Numbered[]> =>
  fc
    .array(fc.record({ key: fc.constantFrom("a", "b"), time: fc.integer({ min, max }) }), { maxLength })
    .map((all) => all.map((each, n) => ({ ...each, n })));

/** The watermark of a source before each of its events. */
export function watermarksOf(events: readonly Numbered[], disorder: number): number[] {
  let watermark = Number.NEGATIVE_INFINITY;
  return events.map(({ time, isPoison }) => {
    const before = watermark;
    if (isPoison !== true) watermark = Math.max(watermark, time - disorder);
    return before;
  });
}
