/**
 * Cases that other systems' documentation gives with their results. What they print is data, not code; each names its
 * source. Where they say "watermark w", nothing at or before w is expected any more: here that is w + 1.
 */
import { cumulative, hopping, session, sliding, tumbling, type Accumulation, type AlignedWindows } from "millrace";
import { describe, expect, test } from "vitest";
import { run, timeline, windowed, type Numbered, type SeenRow } from "../../support/windowed.ts";

const MINUTE = 60_000;
const total = ({ seen }: SeenRow): number => seen.split(" ").reduce((sum, n) => sum + Number(n), 0);

describe('Apache Flink, SQL, "Windowing table-valued functions": the table Bid, price by window', () => {
  const DAY = Date.UTC(2020, 3, 15);
  const at = (clock: string): number => DAY + Date.parse(`1970-01-01T${clock}:00Z`);
  const bids: readonly Numbered[] = (
    [
      ["08:05", 4],
      ["08:07", 2],
      ["08:09", 5],
      ["08:11", 3],
      ["08:13", 1],
      ["08:17", 6],
    ] as const
  ).map(([clock, n]) => ({ key: "a", time: at(clock), n }));
  const clock = (time: number) => new Date(time).toISOString().slice(11, 16);
  const prices = async (windows: AlignedWindows) => {
    const { rows } = await run(windowed(windows, { disorder: 1_000 }), bids);
    return rows.map((row) => [clock(row.window_start!), clock(row.window_end!), total(row)]);
  };

  test("TUMBLE(Bid, bidtime, INTERVAL '10' MINUTES)", async () => {
    expect(await prices(tumbling({ minutes: 10 }))).toEqual([
      ["08:00", "08:10", 11],
      ["08:10", "08:20", 10],
    ]);
  });

  test("HOP(Bid, bidtime, INTERVAL '5' MINUTES, INTERVAL '10' MINUTES)", async () => {
    expect(await prices(hopping({ every: { minutes: 5 }, size: { minutes: 10 } }))).toEqual([
      ["08:00", "08:10", 11],
      ["08:05", "08:15", 15],
      ["08:10", "08:20", 10],
      ["08:15", "08:25", 6],
    ]);
  });

  test("CUMULATE(Bid, bidtime, INTERVAL '2' MINUTES, INTERVAL '10' MINUTES)", async () => {
    expect(await prices(cumulative({ step: { minutes: 2 }, size: { minutes: 10 } }))).toEqual([
      ["08:00", "08:06", 4],
      ["08:00", "08:08", 6],
      ["08:00", "08:10", 11],
      ["08:10", "08:12", 3],
      ["08:10", "08:14", 4],
      ["08:10", "08:16", 4],
      ["08:10", "08:18", 10],
      ["08:10", "08:20", 10],
    ]);
  });

  test("TUMBLE(Bid, bidtime, INTERVAL '10' MINUTES, INTERVAL '1' MINUTES): an offset", async () => {
    expect(await prices(tumbling({ minutes: 10 }, { offset: { minutes: 1 } }))).toEqual([
      ["08:01", "08:11", 11],
      ["08:11", "08:21", 10],
    ]);
  });

  test("the window of 2021-06-30 00:00:04, size 10 minutes, by offset", () => {
    const time = Date.UTC(2021, 5, 30, 0, 0, 4);
    // Offsets of the table that are below zero, or not below the size, have the same effect as one of these.
    const windows = ([0, 4, 6] as const).map((minutes) => {
      const [window] = tumbling({ minutes: 10 }, { offset: { minutes } }).assign(time);
      return [minutes, clock(window!.start), clock(window!.end)];
    });
    expect(windows).toEqual([
      [0, "00:00", "00:10"],
      [4, "23:54", "00:04"],
      [6, "23:56", "00:06"],
    ]);
  });
});

test("Apache Flink, SQL, \"Over Aggregation\": RANGE BETWEEN INTERVAL '30' MINUTE PRECEDING AND CURRENT ROW, both included", async () => {
  const at = (minutes: number, n: number): Numbered => ({ key: "a", time: minutes * MINUTE, n });
  const { rows } = await run(windowed(sliding({ preceding: { minutes: 30 } })), [
    at(0, 1),
    at(10, 2),
    at(30, 4),
    at(31, 8),
    at(31, 16),
    at(61, 32),
  ]);
  // "all rows with a time attribute of at most 30 minutes less than the current row are included"
  expect(rows.map((row) => [(row.window_end! - 1) / MINUTE, total(row)])).toEqual([
    [0, 1],
    [10, 3],
    [30, 7],
    [31, 30],
    [61, 56],
  ]);
});

describe("Apache Flink, WindowOperatorTest: late elements of sessions with a gap of 3 seconds", () => {
  const at = (time: number): Numbered => ({ key: "key2", time, n: 1 });
  const counts = (rows: readonly SeenRow[]) =>
    rows.map((row) => [row.seen.split(" ").length, row.window_start, row.window_end]);

  /** Watermarks are Flink's, whatever the elements' times are. */
  const disorder = 100_000;

  /** The part that both tests share. */
  async function begin(flow: ReturnType<typeof windowed>) {
    const steps = timeline(flow, disorder);
    await steps.feed(at(1000));
    await steps.advance(2000);
    await steps.feed(at(2000));
    await steps.advance(4999);
    await steps.feed(at(4500)); // the session that it joins has not ended
    await steps.feed(at(8500)); // a new session
    await steps.advance(7401);
    await steps.feed(at(7000)); // makes the two one
    await steps.advance(11_502);
    expect(counts(steps.rows())).toEqual([[5, 1000, 11_500]]);
    await steps.feed(at(11_600));
    await steps.advance(14_601);
    expect(counts(steps.rows()).at(-1)).toEqual([1, 11_600, 14_600]);
    return steps;
  }

  test("testDropDueToLatenessSessionZeroLateness: late ones are dropped, and not merged with one another", async () => {
    const steps = await begin(windowed(session({ gap: { seconds: 3 } }), { disorder }));
    await steps.feed(at(10_000));
    await steps.feed(at(10_100));
    expect(steps.late()).toEqual([1, 1]);
    await steps.feed(at(14_500));
    await steps.advance(20_001);
    await steps.advance(100_001);
    expect(counts(steps.rows())).toEqual([
      [5, 1000, 11_500],
      [1, 11_600, 14_600],
      [1, 14_500, 17_500],
    ]);
  });

  test("testDropDueToLatenessSessionWithLateness: an element that joins a session kept for late ones fires at once", async () => {
    const flow = windowed(session({ gap: { seconds: 3 } }), {
      disorder,
      allowedLateness: { millis: 10 },
      trigger: { late: "onUpdate" },
    });
    const steps = await begin(flow);
    await steps.feed(at(10_000));
    expect(counts(steps.rows()).at(-1)).toEqual([2, 10_000, 14_600]);
    expect(steps.rows().at(-1)!.pane).toBe("late");
    await steps.feed(at(14_500));
    await steps.advance(20_001);
    await steps.advance(100_001);
    expect(counts(steps.rows()).slice(2)).toEqual([
      [2, 10_000, 14_600],
      [3, 10_000, 17_500],
    ]);
    expect(steps.late()).toEqual([]);
  });
});

test("Kafka Streams, SessionWindows: with a gap of 5, times 10, 12, 20 are two sessions, and 16 makes them one", async () => {
  const at = (n: number, time: number): Numbered => ({ key: "A", time, n });
  const gap = session({ gap: { millis: 5 } });
  const spans = ({ rows }: { readonly rows: readonly SeenRow[] }) =>
    // There a session ends with its last record, here a gap after it.
    rows.map((row) => [row.window_start, row.window_end! - 5, row.seen]);
  const first = [at(1, 10), at(2, 12), at(3, 20)];
  expect(spans(await run(windowed(gap, { disorder: 10 }), first))).toEqual([
    [10, 12, "1 2"],
    [20, 20, "3"],
  ]);
  expect(spans(await run(windowed(gap, { disorder: 10 }), [...first, at(4, 16)]))).toEqual([[10, 20, "1 2 3 4"]]);
});

describe('Apache Beam, programming guide, "Window accumulation modes": a trigger that fires every three elements', () => {
  const events = [5, 8, 3, 15, 19, 23, 9, 13, 10].map((n, i): Numbered => ({ key: "X", time: i * MINUTE, n }));
  const firings = async (accumulation: Accumulation) => {
    const flow = windowed(tumbling({ minutes: 10 }), { trigger: { early: { records: 3 } }, accumulation });
    const { rows } = await run(flow, events);
    return rows.filter(({ pane }) => pane === "early").map(({ seen }) => seen.split(" ").map(Number));
  };
  const sorted = (lists: readonly number[][]) => lists.map((list) => list.toSorted((a, b) => a - b));

  test("accumulating", async () => {
    expect(await firings("accumulating")).toEqual(
      sorted([
        [5, 8, 3],
        [5, 8, 3, 15, 19, 23],
        [5, 8, 3, 15, 19, 23, 9, 13, 10],
      ]),
    );
  });

  test("discarding", async () => {
    expect(await firings("discarding")).toEqual(
      sorted([
        [5, 8, 3],
        [15, 19, 23],
        [9, 13, 10],
      ]),
    );
  });
});

describe('T. Akidau, "The world beyond batch: Streaming 102", table 1: the panes of [12:02, 12:04) by accumulation mode', () => {
  // Early rows every minute of processing time; the watermark passes the end when all four scores have come.
  const panes = async (accumulation: Accumulation) => {
    const flow = windowed(tumbling({ minutes: 2 }), {
      trigger: { early: { processingTime: { minutes: 1 } }, late: "onUpdate" },
      accumulation,
    });
    const steps = timeline(flow);
    const noon = Date.UTC(2015, 0, 1, 12);
    const at = (clock: string): number => Date.parse(`2015-01-01T${clock}Z`);
    const comes = async (processed: string, n: number) => {
      steps.rig.now = at(processed);
      await steps.feed({ key: "team", time: noon + 2 * MINUTE, n });
    };
    await comes("12:05:39", 7);
    await comes("12:06:13", 3);
    await comes("12:06:39", 4);
    await comes("12:07:06", 8);
    await steps.advance(noon + 4 * MINUTE);
    return steps.rows().map((row) => (row.sign ?? 1) * total(row));
  };

  test.each([
    ["discarding", [7, 7, 8]],
    ["accumulating", [7, 14, 22]],
    ["retracting", [7, -7, 14, -14, 22]],
  ] as const)("%s", async (accumulation, expected) => {
    expect(await panes(accumulation)).toEqual(expected);
  });
});

describe('T. Akidau, S. Chernyak, R. Lax, "Streaming Systems", table 2-1: the panes of [12:06, 12:08)', () => {
  // The early row has 3; 8 and 1 come after it, and the row on time.
  test.each([
    ["discarding", [3, 9]],
    ["accumulating", [3, 12]],
    ["retracting", [3, -3, 12]],
  ] as const)("%s", async (accumulation, expected) => {
    const flow = windowed(tumbling({ minutes: 2 }), {
      trigger: { early: { eventTime: { minutes: 1 } }, late: "onUpdate" },
      accumulation,
    });
    const steps = timeline(flow);
    const at = (n: number, seconds: number): Numbered => ({ key: "team", time: seconds * 1_000, n });
    await steps.feed(at(3, 39));
    await steps.advance(MINUTE);
    await steps.feed(at(8, 86), at(1, 106));
    await steps.advance(2 * MINUTE);
    expect(steps.rows().map((row) => (row.sign ?? 1) * total(row))).toEqual(expected);
    expect(steps.rows().map(({ pane }) => pane)).toEqual(["early", ...expected.slice(1).map(() => "onTime")]);
  });
});

describe('Apache Flink, "Windows", section "Allowed Lateness"', () => {
  const at = (n: number, time: number): Numbered => ({ key: "a", time, n });

  test("a late but not dropped element fires again; one beyond the allowed lateness is dropped", async () => {
    const flow = windowed(tumbling({ millis: 10 }), { allowedLateness: { millis: 5 }, trigger: { late: "onUpdate" } });
    const steps = timeline(flow);
    await steps.feed(at(1, 3));
    await steps.advance(10);
    expect(steps.panes()).toEqual([["onTime", "1"]]);
    await steps.feed(at(2, 4));
    await steps.advance(14);
    await steps.feed(at(3, 9));
    await steps.advance(15);
    await steps.feed(at(4, 5));
    expect(steps.panes()).toEqual([
      ["onTime", "1"],
      ["late", "1 2"],
      ["late", "1 2 3"],
    ]);
    expect(steps.late()).toEqual([4]);
  });

  test("by default it is 0: elements behind the watermark's window are dropped", async () => {
    const steps = timeline(windowed(tumbling({ millis: 10 }), { trigger: { late: "onUpdate" } }));
    await steps.feed(at(1, 3));
    await steps.advance(10);
    await steps.feed(at(2, 9));
    expect(steps.panes()).toEqual([["onTime", "1"]]);
    expect(steps.late()).toEqual([2]);
  });

  test("late elements may bridge the gap between two sessions that have fired", async () => {
    const flow = windowed(session({ gap: { millis: 10 } }), {
      allowedLateness: { millis: 100 },
      trigger: { late: "onUpdate" },
      accumulation: "retracting",
    });
    const steps = timeline(flow);
    await steps.feed(at(1, 0), at(2, 15));
    await steps.advance(30);
    await steps.feed(at(3, 8));
    expect(
      steps.rows().map(({ window_start, window_end, seen, sign }) => [window_start, window_end, seen, sign]),
    ).toEqual([
      [0, 10, "1", 1],
      [15, 25, "2", 1],
      [0, 10, "1", -1],
      [15, 25, "2", -1],
      [0, 25, "1 2 3", 1],
    ]);
  });
});
