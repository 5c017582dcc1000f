import { readFileSync } from "node:fs";
import { day, kinesis, lake, pipeline, timestamp } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { anchorOf } from "../../lib/cdk/runbook.ts";
import { pipelines } from "../../infra/pipelines.ts";
import { provisioned, resourcesOf } from "./synthesized.ts";

interface Alarm {
  readonly AlarmDescription: string;
  readonly Period: number;
  readonly EvaluationPeriods: number;
  readonly DatapointsToAlarm: number;
  readonly Metrics?: unknown;
}

/** What no pipeline of this repository has. */
const byDay = pipeline("by-day", (flow) => {
  const clicks = kinesis("clicks", {
    schema: z.object({ at: z.number() }),
    eventTime: (click) => click.at,
    disorder: { minutes: 1 },
  });
  flow.from(clicks).to(lake("clicked", { at: timestamp }, { partitionBy: day("at", { from: "2024-01-01" }) }));
});

/** The alarms of all pipelines of this repository and of another, by the rests of their logical ids. */
const alarms = [
  ...pipelines.map(({ pipeline }) => provisioned(pipeline)),
  provisioned(byDay, { lakes: { compaction: {} } }),
].flatMap((template) =>
  Object.entries(resourcesOf(template))
    .filter(([, { Type }]) => Type === "AWS::CloudWatch::Alarm")
    .map(([id, { Properties }]) => ({
      id: /^PipelineAlarms(.*)[0-9A-F]{8}$/.exec(id)![1]!,
      alarm: Properties as unknown as Alarm,
    })),
);

const operations = readFileSync(new URL("../../docs/operations.md", import.meta.url), "utf8");
const headings = [...operations.matchAll(/^## (.*)$/gm)].map(([, heading]) => heading!);

/** The table of alarms: name, how many datapoints of how many, and the section. */
const rows = [
  ...operations.matchAll(/^\| `(?:<\w+>-)?(\w+)` +\| .* \| (\d+) .*? of (\d+).* \| \[(.*)\]\((#.*)\) +\|$/gm),
].map(([, name, above, of, title, anchor]) => ({
  name: name!,
  above: Number(above),
  of: Number(of),
  title: title!,
  anchor: anchor!,
}));

const rowOf = (id: string) => rows.find(({ name }) => id.endsWith(name));

describe("every alarm leads to what to do", () => {
  test("docs/operations.md has a row for each, and no other rows", () => {
    expect(alarms.length).toBeGreaterThan(20);
    expect(alarms.filter(({ id }) => rowOf(id) === undefined)).toEqual([]);
    expect(rows.filter(({ name }) => !alarms.some(({ id }) => id.endsWith(name)))).toEqual([]);
  });

  test("its description ends with the section that the table has, and the section is there", () => {
    for (const { id, alarm } of alarms) {
      const { title, anchor } = rowOf(id)!;
      expect(headings).toContain(title);
      expect(anchor).toBe(`#${anchorOf(title)}`);
      expect(alarm.AlarmDescription).toMatch(new RegExp(`\\. docs/operations\\.md${anchor}$`));
    }
  });

  test("the table says when it is raised", () => {
    const raised = ({ DatapointsToAlarm, EvaluationPeriods }: Alarm) => [DatapointsToAlarm, EvaluationPeriods];
    for (const { id, alarm } of alarms) expect([id, raised(alarm)]).toEqual([id, [rowOf(id)!.above, rowOf(id)!.of]]);
  });
});

test("none flaps: each looks at a quarter of an hour at least, and none is over by one good minute", () => {
  for (const { id, alarm } of alarms) {
    expect([id, alarm.Period * alarm.EvaluationPeriods >= 900]).toEqual([id, true]);
    expect([id, alarm.EvaluationPeriods > 1]).toEqual([id, true]);
    // CloudWatch's limits: a day, or seven for periods of an hour.
    expect(alarm.Period * alarm.EvaluationPeriods).toBeLessThanOrEqual(86_400);
    expect(alarm.Metrics).toBeUndefined();
  }
});

test("state is watched where there is some, in proportion to the memory", () => {
  const thresholds = (memory: number) =>
    pipelines.flatMap(({ pipeline }) =>
      Object.values(resourcesOf(provisioned(pipeline, { function: { memory } })))
        .filter(({ Properties }) => Properties["MetricName"] === "StateMemory")
        .map(({ Properties }) => Properties["Threshold"]),
    );
  // Of four pipelines' seven stages the first of rank-routes has no state.
  expect(thresholds(1_024)).toEqual(Array.from({ length: 6 }, () => 429_496_729));
  expect(new Set(thresholds(2_048))).toEqual(new Set([858_993_459]));
});
