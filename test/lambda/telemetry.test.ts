import { expect, test, vi } from "vitest";
import { Telemetry } from "../../lib/lambda/telemetry.ts";
import type { TurnReport } from "../../lib/runtime/observer.ts";

const report: TurnReport = {
  task: "t",
  trigger: "records",
  epoch: 1,
  records: 1,
  folded: 1,
  counts: new Map(),
  hotKey: undefined,
  stateEntries: new Map([
    ["hourly", 12],
    ["silence", 3],
  ]),
  outputs: 0,
  watermark: 0,
  commitBytes: 10,
  spilled: false,
  checkpointed: false,
  catchUpBytes: 0,
  conflicts: 0,
  redeliveries: 0,
  committedAt: 1,
  deliveredAt: undefined,
};

/** What a turn says of the sizes of states. */
function sizesOf(of: TurnReport): string[] {
  const telemetry = new Telemetry({ deployment: "d", pipeline: "p", stage: "s" }, () => 0);
  vi.spyOn(telemetry.logger, "info").mockReturnValue(undefined);
  const sizes: string[] = [];
  vi.spyOn(telemetry.metrics, "singleMetric").mockImplementation(() => {
    let operator = "";
    const addDimension = (name: string, value: string) => void (operator = `${name} ${value}`);
    const addMetric = (name: string, unit: string, value: number) =>
      void sizes.push(`${operator}: ${name} ${value} ${unit}`);
    const none = () => undefined;
    return { addDimension, addMetric, clearDefaultDimensions: none, setDefaultDimensions: none } as never;
  });
  telemetry.turn(of);
  telemetry.metrics.clearMetrics();
  return sizes;
}

test("a turn that commits tells how many entries each operator's state has", () => {
  expect(sizesOf(report)).toEqual(["operator hourly: StateEntries 12 Count", "operator silence: StateEntries 3 Count"]);
  expect(sizesOf({ ...report, committedAt: undefined })).toEqual([]);
});
