import {
  bigint,
  calendarDay,
  calendarMonth,
  count,
  countWindow,
  cumulative,
  globalWindow,
  hopping,
  kinesis,
  lake,
  pipeline,
  session,
  sliding,
  sum,
  text,
  timestamp,
  tumbling,
  windows,
  type Keyed,
  type WindowAssigner,
  type WindowOptions,
} from "millrace";
import { describe, expect, expectTypeOf, test } from "vitest";
import { z } from "zod";
import { compileStage } from "../../lib/plan/compile.ts";
import { planStages } from "../../lib/plan/stage.ts";

const visit = z.object({ user: z.string(), at: z.number(), pages: z.number(), isMobile: z.boolean() });
type Visit = z.infer<typeof visit>;
const visits = kinesis("visits", {
  schema: visit,
  key: { user: (v) => v.user },
  eventTime: (v) => v.at,
  disorder: { minutes: 1 },
});

test("the columns of rows follow from the windows and the trigger", () => {
  pipeline("types", (flow) => {
    const { byKey } = flow.from(visits);
    byKey
      .window("sessions", session({ gap: (v) => ({ minutes: v.isMobile ? 5 : 30 }) }))
      .aggregate({ pages: sum((v) => v.pages) })
      .map("session", (row) => {
        expectTypeOf(row).toEqualTypeOf<{
          readonly user: string;
          readonly windowStart: number;
          readonly windowEnd: number;
          readonly pages: number;
        }>();
        return row;
      })
      .to(lake("session_rows", { user: text, windowStart: timestamp, windowEnd: timestamp, pages: bigint }));
    byKey
      .window("so-far", globalWindow(), { trigger: { early: { records: 100 } } })
      .aggregate({ visits: count() })
      .map("far", (row) => {
        expectTypeOf(row).toEqualTypeOf<{
          readonly user: string;
          readonly pane: "early" | "onTime" | "late";
          readonly paneIndex: number;
          readonly visits: number;
        }>();
        return row;
      })
      .to(lake("far_rows", { user: text, pane: text, paneIndex: bigint, visits: bigint }));
    byKey
      .window("hourly", tumbling({ hours: 1 }), { trigger: { late: "onUpdate" }, accumulation: "retracting" })
      .aggregate({ visits: count() })
      .map("hour", (row) => {
        expectTypeOf(row.sign).toEqualTypeOf<1 | -1>();
        expectTypeOf(row.paneIndex).toEqualTypeOf<number>();
        return row;
      })
      .to(
        lake("hour_rows", {
          ...{ user: text, windowStart: timestamp, windowEnd: timestamp, visits: bigint },
          ...{ pane: text, paneIndex: bigint, sign: bigint },
        }),
      );
    const shifts = windows<Visit>({
      version: 1,
      assign: (time, v) => {
        expectTypeOf(v).toEqualTypeOf<Visit>();
        return [{ start: time, end: time + v.pages }];
      },
    });
    // @ts-expect-error -- these windows are of records that have no `colour`
    byKey.window("colours", windows<{ colour: string }>({ version: 1, assign: () => [] }));
    byKey
      .window("shifts", shifts)
      .aggregate({ visits: count() })
      .to(lake("shift_rows", { user: text, windowStart: timestamp, windowEnd: timestamp, visits: bigint }));
  });
});

test("what a row's columns are named is taken", () => {
  const hourly = (byKey: Keyed<Visit, { user: string }>) =>
    byKey.window("w", tumbling({ hours: 1 }), { trigger: { late: "onUpdate" }, accumulation: "retracting" });
  const build = (make: (window: ReturnType<typeof hourly>) => unknown) => () =>
    pipeline("p", (flow) => {
      make(hourly(flow.from(visits).byKey));
    });
  // @ts-expect-error -- `pane` is a column of windows that fire more than once
  expect(build((window) => window.aggregate({ pane: count() }))).toThrow('a field "pane"');
  // @ts-expect-error -- `sign` is one of windows that take rows back
  expect(build((window) => window.aggregate({ sign: count() }))).toThrow('a field "sign"');
});

describe("what cannot be is refused when the pipeline is built", () => {
  const build = (assigner: WindowAssigner<Visit>, options: WindowOptions = {}) =>
    pipeline("p", (flow) => {
      flow
        .from(visits)
        .byKey.window("w", assigner, options)
        .aggregate({ n: count() })
        .to(lake("rows", { n: bigint }) as never);
    });
  const cases: Record<string, [code: string, make: () => unknown]> = {
    "no length": ["time/duration", () => hopping({ size: {}, every: { hours: 1 } })],
    "no hop": ["time/duration", () => hopping({ size: { hours: 1 }, every: {} })],
    "hops without number": ["window/too-many", () => hopping({ size: { days: 1 }, every: { seconds: 1 } })],
    "an offset of a whole hop": [
      "window/offset",
      () => hopping({ size: { hours: 1 }, every: { minutes: 5 }, offset: { minutes: 5 } }),
    ],
    "a step that does not divide": ["window/step", () => cumulative({ size: { hours: 1 }, step: { minutes: 7 } })],
    "steps without number": ["window/step", () => cumulative({ size: { days: 30 }, step: { seconds: 1 } })],
    "a session without gap": ["time/duration", () => session({ gap: {} })],
    "nothing preceding": ["time/duration", () => sliding({ preceding: {} })],
    "no records": ["window/count", () => countWindow(0)],
    "half a record": ["window/count", () => countWindow(1.5)],
    "no version": ["window/version", () => windows({ version: 0, assign: () => [] })],
    "no zone": ["time/zone", () => calendarMonth({ timeZone: "Mars/Olympus" })],
    "no windows": ["pipeline/invalid", () => build({} as never)],
    "a trigger for windows of one row": [
      "pipeline/invalid",
      () => build(sliding({ preceding: { hours: 1 } }), { trigger: { early: "onUpdate" } }),
    ],
    "a trigger for counts": ["pipeline/invalid", () => build(countWindow(3), { trigger: { early: "onUpdate" } })],
    "late rows without an end": ["pipeline/invalid", () => build(globalWindow(), { trigger: { late: "onUpdate" } })],
    "lateness without an end": ["pipeline/invalid", () => build(countWindow(3), { allowedLateness: { hours: 1 } })],
    "a trigger that never fires": ["window/trigger", () => build(tumbling({ hours: 1 }), { trigger: {} })],
    "an unknown trigger": [
      "window/trigger",
      () => build(tumbling({ hours: 1 }), { trigger: { erly: "onUpdate" } as never }),
    ],
    "an unknown firing": [
      "window/trigger",
      () => build(tumbling({ hours: 1 }), { trigger: { early: "sometimes" as never } }),
    ],
    "a firing at no records": [
      "window/trigger",
      () => build(tumbling({ hours: 1 }), { trigger: { early: { records: 0 } } }),
    ],
    "a firing at no time": [
      "time/duration",
      () => build(tumbling({ hours: 1 }), { trigger: { early: { processingTime: {} } } }),
    ],
    "late rows by time": [
      "window/trigger",
      () => build(tumbling({ hours: 1 }), { trigger: { late: { eventTime: { minutes: 1 } } as never } }),
    ],
    "accumulation of one row": ["window/trigger", () => build(tumbling({ hours: 1 }), { accumulation: "discarding" })],
    "an unknown accumulation": [
      "window/trigger",
      () => build(tumbling({ hours: 1 }), { trigger: { late: "onUpdate" }, accumulation: "adding" as never }),
    ],
  };
  test.each(Object.entries(cases))("%s", (_name, [code, make]) => {
    expect(make).toThrow(expect.objectContaining({ kind: "definition", code }) as Error);
  });
});

test("a change of what stored windows must agree with is a change of the state's shape, and no other is", () => {
  const shapesOf = (assigner: WindowAssigner<Visit>, options: WindowOptions = {}) => {
    const flow = pipeline("p", (start) => {
      start
        .from(visits)
        .byKey.window("w", assigner, options)
        .aggregate({ n: count() })
        .to(lake("rows", { n: bigint }) as never);
    });
    return JSON.stringify(compileStage(flow, planStages(flow)[0]!).shapes);
  };
  const hour = { hours: 1 };
  const late: WindowOptions = { trigger: { late: "onUpdate" } };
  const different = [
    shapesOf(tumbling(hour)),
    shapesOf(tumbling({ hours: 2 })),
    shapesOf(tumbling(hour, { offset: { minutes: 1 } })),
    shapesOf(hopping({ size: hour, every: { minutes: 5 } })),
    shapesOf(hopping({ size: hour, every: { minutes: 10 } })),
    shapesOf(cumulative({ size: hour, step: { minutes: 5 } })),
    shapesOf(session({ gap: hour })),
    shapesOf(sliding({ preceding: hour })),
    shapesOf(globalWindow()),
    shapesOf(countWindow(3)),
    shapesOf(countWindow(4)),
    shapesOf(calendarDay({ timeZone: "Europe/Berlin" })),
    shapesOf(calendarMonth({ timeZone: "Europe/Berlin" })),
    shapesOf(calendarDay({ timeZone: "UTC" })),
    shapesOf(windows({ version: 1, assign: () => [] })),
    shapesOf(windows({ version: 2, assign: () => [] })),
    shapesOf(tumbling(hour), late),
    shapesOf(tumbling(hour), { trigger: { early: "onUpdate" } }),
    shapesOf(tumbling(hour), { trigger: { early: "onUpdate", late: "onUpdate" } }),
    shapesOf(tumbling(hour), { ...late, accumulation: "discarding" }),
    shapesOf(tumbling(hour), { ...late, accumulation: "retracting" }),
  ];
  expect(new Set(different).size).toBe(different.length);
  // Sessions that are open keep the gap they were opened with; what is to come has the new one.
  expect(shapesOf(session({ gap: { minutes: 5 } }))).toBe(shapesOf(session({ gap: hour })));
  expect(shapesOf(tumbling(hour), { allowedLateness: hour })).toBe(shapesOf(tumbling(hour)));
  const every = (minutes: number): WindowOptions => ({ trigger: { early: { eventTime: { minutes } } } });
  expect(shapesOf(tumbling(hour), every(5))).toBe(shapesOf(tumbling(hour), every(10)));
});
