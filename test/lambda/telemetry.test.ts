import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { Telemetry } from "../../lib/lambda/telemetry.ts";
import type { Span, TurnReport } from "../../lib/runtime/observer.ts";
import { BEFORE_ALL_TIME, END_OF_TIME } from "../../lib/time/instant.ts";
import { EmittedMetrics } from "../support/emitted-metrics.ts";

const NONE = { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, sent: 0, closed: 0 };

const report: TurnReport = {
  task: "t",
  trigger: "records",
  epoch: 1,
  records: 1,
  folded: 1,
  counts: new Map([
    ["hourly", { ...NONE, in: 5 }],
    ["silence", NONE],
    ["slim", { ...NONE, in: 2 }],
  ]),
  hotKey: undefined,
  stateEntries: new Map([
    ["hourly", 12],
    ["silence", 3],
  ]),
  stateBytes: 1_500,
  stateMemory: 31_500,
  outputs: 0,
  watermark: 0,
  watermarkBefore: -10,
  commitBytes: 10,
  spilled: false,
  checkpointed: false,
  catchUpBytes: 0,
  conflicts: 0,
  redeliveries: 0,
  committedAt: 1,
  deliveredAt: undefined,
};

let emitted: EmittedMetrics;
beforeEach(() => (emitted = new EmittedMetrics()));
afterEach(() => vi.restoreAllMocks());

/** What a turn says, as CloudWatch takes it. */
function saidOf(of: TurnReport) {
  const telemetry = new Telemetry({ deployment: "d", pipeline: "p", stage: "s" }, () => 0);
  telemetry.turn(of);
  telemetry.metrics.publishStoredMetrics();
  return emitted.take();
}

test("a span is one line, with its fields as they are", () => {
  const telemetry = new Telemetry({ deployment: "d", pipeline: "p", stage: "s" }, () => 0);
  const lines: unknown[] = [];
  vi.spyOn(console, "info").mockImplementation((line: string) => void lines.push(JSON.parse(line)));
  const ids = { traceId: "0".repeat(31) + "1", spanId: "2".repeat(16) };
  const span: Span = {
    ...{ name: "commit", ...ids, parentSpanId: "3".repeat(16) },
    ...{ startTimeUnixNano: "1000000", endTimeUnixNano: "2000000" },
    attributes: { "millrace.task": "t", "millrace.epoch": 1 },
    links: [{ ...ids, attributes: { "millrace.outputs.rows": ["t@1#0"] } }],
    droppedLinksCount: 1,
  };
  telemetry.traced("t", 1, [span, { ...span, name: "fold" }]);
  expect(lines).toMatchObject([
    { level: "INFO", message: "span", ...stage, ...span },
    { message: "span", name: "fold" },
  ]);
});

const stage = { deployment: "d", pipeline: "p", stage: "s" };

test("each operator's records and entries have its name as a dimension beside the stage's, and no others", () => {
  const ofOperators = (of: TurnReport) =>
    saidOf(of)
      .filter(({ dimensions }) => "operator" in dimensions)
      .map(({ name, dimensions, sum }) => [name, dimensions, sum]);
  expect(ofOperators(report)).toEqual([
    ["OperatorRecordsIn", { ...stage, operator: "hourly" }, 5],
    ["StateEntries", { ...stage, operator: "hourly" }, 12],
    ["StateEntries", { ...stage, operator: "silence" }, 3],
    ["OperatorRecordsIn", { ...stage, operator: "slim" }, 2],
  ]);
  // What was not committed has changed no state.
  expect(ofOperators({ ...report, committedAt: undefined }).map(([name]) => name)).toEqual([
    "OperatorRecordsIn",
    "OperatorRecordsIn",
  ]);
});

test("all else has the stage's dimensions and no others", () => {
  for (const { namespace, dimensions } of saidOf(report).filter((series) => !("operator" in series.dimensions))) {
    expect([namespace, dimensions]).toEqual(["Millrace", stage]);
  }
});

test.each([
  ["moves", -10, 0, 10],
  ["stands still", 5, 5, 0],
  ["begins", BEFORE_ALL_TIME, 5, 1],
  ["has not begun", BEFORE_ALL_TIME, BEFORE_ALL_TIME, 0],
  ["ends", 5, END_OF_TIME, 1],
  ["has ended", END_OF_TIME, END_OF_TIME, undefined],
])("event time that %s is told by what it has moved by", (_what, watermarkBefore, watermark, advance) => {
  const said = saidOf({ ...report, watermarkBefore, watermark });
  expect(said.find(({ name }) => name === "WatermarkAdvance")?.sum).toBe(advance);
});

test("event time that stands still is told only by turns that have records", () => {
  expect(saidOf({ ...report, folded: 0 }).map(({ name }) => name)).not.toContain("WatermarkAdvance");
});

test("an open breaker is told with each failure, by stage and by sink, and once more when it is closed", () => {
  vi.spyOn(console, "warn").mockImplementation(() => undefined);
  vi.spyOn(console, "error").mockImplementation(() => undefined);
  const telemetry = new Telemetry({ deployment: "d", pipeline: "p", stage: "s" }, () => 0);
  const told = () => {
    telemetry.metrics.publishStoredMetrics();
    return emitted.take().filter(({ name }) => name === "BreakerOpen");
  };
  telemetry.breaker("rows", "open");
  expect(told()).toEqual([]);
  telemetry.failed("t", new Error("It is down."));
  expect(told().map(({ dimensions }) => dimensions)).toEqual(
    expect.arrayContaining([stage, { ...stage, sink: "rows" }]),
  );
  telemetry.breaker("rows", "half-open");
  telemetry.breaker("rows", "closed");
  expect(told()).toHaveLength(2);
  telemetry.failed("t", new Error("Something else is."));
  expect(told()).toEqual([]);
});
