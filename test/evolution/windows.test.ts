import {
  bigint,
  count,
  countWindow,
  custom,
  double,
  filtered,
  globalWindow,
  hopping,
  lake,
  nullable,
  pipeline,
  session,
  sliding,
  sum,
  text,
  timestamp,
  tumbling,
  type Aggregate,
  type AggregateOptions,
  type Pipeline,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { deployings, firstOf, runDeploying, type Sent } from "./deploying.ts";
import { boxed, eventsOf, listed, shown } from "./events.ts";

const event = z.object({ key: z.string(), time: z.number(), n: z.number(), value: z.number() });
type Event = z.infer<typeof event>;
type Aggregates = Readonly<Record<string, Aggregate<Event, unknown>>>;

const source = eventsOf(event, 5);
const rows = lake("rows", {
  key: text,
  windowStart: nullable(timestamp),
  windowEnd: nullable(timestamp),
  events: nullable(bigint),
  total: nullable(double),
  most: nullable(double),
  seen: nullable(text),
  pane: nullable(text),
  paneIndex: nullable(bigint),
  sign: nullable(bigint),
});

interface Windows {
  readonly name?: string;
  readonly assigner: WindowAssigner<Event>;
  readonly options?: WindowOptions;
}

/** One pipeline as its window changes from version to version. */
const version = (
  { name = "w", assigner, options = {} }: Windows,
  aggregates: Aggregates,
  changes: AggregateOptions = {},
  was: readonly string[] = [],
): Pipeline =>
  pipeline("changing", (flow) => {
    const windows = flow
      .from(source)
      .byKey.window(name, assigner, { ...options, was })
      .aggregate(aggregates as Record<string, never>, changes);
    windows.to(rows as never);
    windows.late.to(lake("late", { key: text, time: bigint, n: bigint, value: double }));
  });

const KINDS: Readonly<Record<string, Windows>> = {
  tumbling: { assigner: tumbling({ millis: 20 }) },
  "tumbling, late": { assigner: tumbling({ millis: 20 }), options: { allowedLateness: { millis: 30 } } },
  hopping: { assigner: hopping({ size: { millis: 40 }, every: { millis: 20 } }) },
  sliding: { assigner: sliding({ preceding: { millis: 25 } }) },
  session: { assigner: session({ gap: { millis: 6 } }) },
  retracting: {
    assigner: tumbling({ millis: 30 }),
    options: {
      allowedLateness: { millis: 30 },
      trigger: { early: { records: 2 }, late: "onUpdate" },
      accumulation: "retracting",
    },
  },
  "sessions, discarding": {
    assigner: session({ gap: { millis: 6 } }),
    options: { trigger: { early: { eventTime: { millis: 10 } } }, accumulation: "discarding" },
  },
  global: { assigner: globalWindow() },
  count: { assigner: countWindow(3) },
};

const events = fc
  .array(
    fc.record({ key: fc.constantFrom(..."abcdefgh"), time: fc.nat(120), value: fc.integer({ min: -9, max: 9 }) }),
    {
      minLength: 1,
      maxLength: 50,
    },
  )
  .map((all) => all.map((each, i): Event => ({ ...each, n: i, time: each.time + i })));

const total = sum((e: Event) => e.value);

/** Rows with those columns alone. */
const only = (columns: readonly string[], { row, ...rest }: Sent): Sent => ({
  ...rest,
  row: Object.fromEntries(Object.entries(row).filter(([column]) => columns.includes(column))),
});

describe.each(Object.entries(KINDS))("%s windows", (_kind, windows) => {
  test("an aggregate that is added has, in open windows, the records since; one that is removed is gone", async () => {
    const columns = ["key", "window_start", "window_end", "pane", "pane_index", "sign"];
    const of = [["events"], ["events", "total"], ["total"]];
    const versions = [
      version(windows, { events: count() }),
      version(windows, { total, events: count() }, { version: 2, migrate: { 1: { added: ["total"] } } }),
      version(windows, { total }, { version: 3, migrate: { 1: { added: ["total"] }, 2: { removed: ["events"] } } }),
    ];
    await fc.assert(
      fc.asyncProperty(events, deployings(3), async (input, deploying) => {
        const { sent } = await runDeploying(versions, input, deploying);
        const since = firstOf(1, deploying, input.length);
        const asked = filtered(total, (e: Event) => e.n >= since);
        const oracle = version(windows, { events: count(), total: asked });
        const { sent: expected } = await runDeploying([oracle, oracle, oracle], input, deploying);
        expect(sent).toEqual(
          new Map(
            [...expected].map(([id, each]) => {
              const isRow = each.sink === "rows";
              return [id, isRow ? only([...columns, ...of[each.version]!], each) : each] as const;
            }),
          ),
        );
      }),
      { numRuns: 60 },
    );
  });

  test("accumulators of one's own are migrated, over several versions at once too", async () => {
    const third = custom<Event, string, string>({
      state: z.string(),
      init: () => "",
      add: (all, e) => `${all} ${e.n}`,
      merge: (a, b) => a + b,
      result: (all) =>
        shown(
          all
            .split(" ")
            .filter((one) => one !== "")
            .map(Number),
        ),
      version: 3,
      migrate: {
        1: (numbers: number[]) => ({ numbers }),
        2: ({ numbers }: { numbers: number[] }) => numbers.map((n) => ` ${n}`).join(""),
      },
    });
    for (const wrap of [
      (seen: Aggregate<Event, string>) => seen,
      (seen: Aggregate<Event, string>) => filtered<Event, string>(seen, ({ n }) => n % 3 > 0),
    ]) {
      const versions = [listed, boxed, third].map((seen) => version(windows, { seen: wrap(seen), events: count() }));
      await fc.assert(
        fc.asyncProperty(events, deployings(3), async (input, deploying) => {
          const { sent } = await runDeploying(versions, input, deploying);
          const oracle = versions[0]!;
          expect(sent).toEqual((await runDeploying([oracle, oracle, oracle], input, deploying)).sent);
        }),
        { numRuns: 30 },
      );
    }
  });
});
