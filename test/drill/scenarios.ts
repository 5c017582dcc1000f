import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import type { Build } from "./builds.ts";
import type { Site } from "./site.ts";

export interface Scenario {
  /** As the runbook's table names it. */
  readonly alarm: string;
  readonly provoke: (site: Site) => Promise<void>;
  /** Done in each step until the alarm is raised. @default nothing */
  readonly each?: (site: Site) => Promise<void>;
  /** Done once it is raised, before the commands. @default nothing */
  readonly raised?: (site: Site) => Promise<void>;
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
const badBuild = (alarm: string, build: Build, over: number, more: Partial<Scenario> = {}): Scenario => ({
  alarm,
  provoke: async (site) => {
    await site.deploy(build);
    await site.depart(120);
  },
  over,
  ...more,
});

/** A quarter of an hour, and what CloudWatch looks back further. */
const QUARTER = 17;
const DAY = 24;
/** What is looked at for seven hours, and two more. */
const HOURS = 9 * 60;

const oneMore = async (site: Site) => {
  await site.depart(1);
  await site.live.committed();
};

export const SCENARIOS: readonly Scenario[] = [
  badBuild("<stage>-SystemicFailures", "strict", QUARTER),
  badBuild("<stage>-IteratorAge", "strict", QUARTER),
  badBuild("<stage>-FailedTurns", "strict", 30),
  badBuild("<stage>-Errors", "broken", QUARTER),
  {
    alarm: "<stage>-BreakerOpen",
    provoke: async (site) => {
      site.stack.setDeliveryStreams("down");
      await site.depart(120);
    },
    each: (site) => site.depart(1), // until the first hour closes, there is nothing to deliver
    raised: async (site) => site.stack.setDeliveryStreams("well"),
    over: QUARTER,
  },
  badBuild("<stage>-Throttles", "scarce", 30, {
    each: async (site) => {
      await Promise.all([site.depart(1), site.sweep(10)]);
      await site.live.committed();
    },
    minutes: 5,
  }),
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
    alarm: "LostTicks",
    provoke: async (site) => {
      await site.deploy("broken");
      // A hundred receipts are hours, as each hides the message for a while: fewer, and at once.
      await site.setTickQueue({ VisibilityTimeout: "0", RedrivePolicy: site.redrivePolicy(10) });
      await site.sweep(1);
    },
    raised: (site) => site.setTickQueue({ VisibilityTimeout: "36", RedrivePolicy: site.redrivePolicy(100) }),
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
    alarm: "<stage>-StateMemory",
    provoke: async (site) => {
      await site.deploy("small");
      await site.depart(9_000, { airports: 9_000 });
      await site.live.committed();
    },
    each: async (site) => {
      await site.depart(1, { back: 0 });
      await site.live.committed();
    },
    over: QUARTER,
  },
  badBuild("<lake>-FailedConversion", "narrow", QUARTER, { each: oneMore }),
  badBuild("<lake>-Freshness", "astray", QUARTER, { each: oneMore, minutes: 5 }),
  {
    alarm: "<lake>-TooManyDays",
    provoke: async (site) => {
      await site.departLate(8);
      await site.live.committed();
    },
    over: QUARTER,
  },
  {
    alarm: "CompactionFailures",
    provoke: async ({ stack }) => {
      const s3 = new S3Client({
        ...{ endpoint: stack.endpoints.s3, region: "us-east-1", forcePathStyle: true },
        credentials: { accessKeyId: "local", secretAccessKey: "local" },
      });
      const Key = `${stack.outputs["LakeLateDeparturesPrefix"]!}event_date=2025-12-30/notes.txt`;
      await s3.send(new PutObjectCommand({ Bucket: stack.outputs["LakeBucket"], Key, Body: "no Parquet" }));
      s3.destroy();
    },
    each: ({ stack }) => stack.runSchedules(),
    minutes: 60,
    then: ({ stack }) => stack.runSchedules(),
    over: HOURS,
  },
  {
    alarm: "<stage>-SweepFailures",
    provoke: (site) => site.setTickQueue({ Policy: "" }),
    each: ({ stack }) => stack.runSchedules(),
    minutes: 60,
    then: ({ stack }) => stack.runSchedules(),
    over: HOURS,
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
export const LEFT_OUT: Readonly<Record<string, string>> = {};
