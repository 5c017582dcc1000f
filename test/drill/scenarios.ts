import type { Build } from "./builds.ts";
import type { Site } from "./site.ts";

export interface Scenario {
  /** As the runbook's table names it. */
  readonly alarm: string;
  readonly provoke: (site: Site) => Promise<void>;
  /** Done in each step until the alarm is raised. @default nothing */
  readonly each?: (site: Site) => Promise<void>;
  /** How many minutes of the alarms' clock a step is. @default 1 */
  readonly minutes?: number;
  /** What is deployed where the runbook says so. @default the first build */
  readonly mended?: Build;
  /** What the world does after the commands. @default nothing */
  readonly then?: (site: Site) => Promise<void>;
  /** Minutes without a new failure after which the alarm must be over. */
  readonly over: number;
}

/** Those whose build is deployed by mistake. */
const badBuild = (alarm: string, build: Build, over: number): Scenario => ({
  alarm,
  provoke: async (site) => {
    await site.deploy(build);
    await site.depart(120);
  },
  over,
});

/** A quarter of an hour, and what CloudWatch looks back further. */
const QUARTER = 17;
const DAY = 24;

export const SCENARIOS: readonly Scenario[] = [
  badBuild("<stage>-SystemicFailures", "strict", QUARTER),
  badBuild("<stage>-IteratorAge", "strict", QUARTER),
  badBuild("<stage>-FailedTurns", "strict", 30),
  badBuild("<stage>-Errors", "broken", QUARTER),
  {
    alarm: "DeadLetters",
    provoke: (site) => site.depart(5, { wrong: { delay: "12" } }),
    mended: "lenient",
    then: async (site) => {
      site.redriven += 5;
      await site.depart(1);
    },
    over: QUARTER,
  },
  {
    alarm: "MappingFailures",
    provoke: async (site) => {
      await site.deploy("broken");
      await site.depart(5);
      site.lose(5);
    },
    then: (site) => site.depart(5, { back: 0 }),
    over: QUARTER,
  },
  {
    alarm: "<stage>-WatermarkStalled",
    provoke: async () => undefined,
    each: async (site) => {
      await site.depart(3, { back: 1 });
      await site.live.committed();
    },
    minutes: 15,
    then: async (site) => {
      await site.depart(3);
      await site.live.committed();
    },
    over: 15,
  },
  {
    alarm: "<stage>-SweepsMissing",
    provoke: async ({ stack }) => {
      const [rule] = stack.resources.filter(({ type }) => type === "AWS::Events::Rule");
      await fetch(stack.endpoints.eventbridge, {
        method: "POST",
        headers: { "x-amz-target": "AWSEvents.DisableRule" },
        body: JSON.stringify({ Name: rule!.ref }),
      });
    },
    each: ({ stack }) => stack.runSchedules(),
    minutes: DAY * 60,
    then: ({ stack }) => stack.runSchedules(),
    over: 60,
  },
];

/** What cannot be provoked on a local stack, and why. */
export const LEFT_OUT: Readonly<Record<string, string>> = {
  "<stage>-Throttles": "the local stack has no account whose concurrency could be used up",
  "<stage>-StateBytes": "it takes a task's state of many megabytes",
  LostTicks: "a tick is set aside after a hundred receipts, hours apart in real time",
  "<stage>-SweepFailures": "the local queues have no policies that could be broken",
  "<lake>-Freshness": "the local delivery streams lose what they cannot write, in place of keeping it",
  "<lake>-TooManyDays": "the pipeline's lakes are not in folders by day",
  CompactionFailures: "the pipeline's lakes are not compacted",
  "<lake>-FailedConversion": "the rows of the error objects are put again by hand",
};
