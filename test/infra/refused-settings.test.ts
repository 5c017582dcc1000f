import {
  kinesis,
  lake,
  pipeline,
  text,
  tumbling,
  count,
  bigint,
  timestamp,
  MillraceError,
  type Pipeline,
} from "millrace";
import type { MillracePipelineProps } from "millrace/cdk";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { environmentOf } from "../../infra/environment.ts";
import { ofType, provisioned } from "./synthesized.ts";

const clicks = kinesis("clicks", {
  schema: z.object({ page: z.string(), at: z.number() }),
  key: { page: (click) => click.page },
  eventTime: (click) => click.at,
  disorder: { minutes: 1 },
});
const pages = lake("pages", { page: text, windowStart: timestamp, windowEnd: timestamp, clicks: bigint });
const raw = lake("plain", { page: text, at: timestamp });

const windowed = pipeline("windowed", (flow) => {
  flow
    .from(clicks)
    .byKey.window("hourly", tumbling({ hours: 1 }))
    .aggregate({ clicks: count() })
    .to(pages);
});
const stateless = pipeline("stateless", (flow) => void flow.from(clicks).to(raw));

function refusal(props: Partial<MillracePipelineProps>, of: Pipeline = windowed): MillraceError {
  try {
    provisioned(of, props);
  } catch (error) {
    if (error instanceof MillraceError) return error;
    throw error;
  }
  throw new Error("It was accepted.");
}

describe("a setting that cannot be is refused at synthesis, with the limit and the value given", () => {
  test.each<[string, Partial<MillracePipelineProps>, given: string, limit: string]>([
    ["parallelization factor above 1", { mapping: { parallelizationFactor: 2 } }, "2", "only 1"],
    ["batches above 10,000", { mapping: { batchSize: 10_001 } }, "10001", "from 1 to 10000"],
    ["empty batches", { mapping: { batchSize: 0 } }, "0", "from 1 to 10000"],
    ["half a record", { mapping: { batchSize: 1.5 } }, "1.5", "whole number"],
    ["a batching window above 300 s", { mapping: { batchingWindow: { minutes: 6 } } }, "360", "from 0 to 300"],
    ["a batching window of split seconds", { mapping: { batchingWindow: { millis: 500 } } }, "0.5", "whole number"],
    [
      "beginning at the stream's end, with state",
      { mapping: { startingPosition: "LATEST" } },
      "LATEST",
      "TRIM_HORIZON",
    ],
    ["beginning at a time", { mapping: { startingPosition: "AT_TIMESTAMP" } }, "AT_TIMESTAMP", "TRIM_HORIZON"],
    [
      "service-managed distribution",
      { stream: { mode: "on-demand", distribution: "service-managed" } },
      "service-managed",
      "partition-key",
    ],
    [
      "a number of shards that Kinesis itself chooses",
      { stream: { mode: "on-demand", shards: 8 } },
      '8 of an "on-demand" stream',
      "leave shards out",
    ],
    ["no shards", { stream: { shards: 0 } }, "0", "from 1 to 10000"],
    ["retention below a day", { stream: { retention: { hours: 23 } } }, "82800", "from 86400"],
    ["retention above a year", { stream: { retention: { days: 366 } } }, "31622400", "to 31536000"],
    ["an incarnation below 0", { stream: { incarnation: -1 } }, "-1", "from 0"],
    ["files below 64 MB", { lakes: { bufferMegabytes: 63 } }, "63", "from 64 to 128"],
    ["files above 128 MB", { lakes: { bufferMegabytes: 129 } }, "129", "from 64 to 128"],
    ["a file every second", { lakes: { bufferInterval: { seconds: 1 } } }, "1", "from 60 to 900"],
    ["too little memory", { function: { memory: 64 } }, "64", "from 128 to 10240"],
    ["a time-out above 15 minutes", { function: { timeout: { minutes: 16 } } }, "960", "from 1 to 900"],
    [
      "fewer invocations than shards and ticks",
      { stream: { shards: 4 }, function: { reservedConcurrency: 4 } },
      "4",
      "from 5",
    ],
    [
      "fewer invocations than the shards that an on-demand stream begins with, and ticks",
      { stream: { mode: "on-demand" }, function: { reservedConcurrency: 4 } },
      "4",
      "reserve for its peak",
    ],
    ["an alarm beyond the retention", { alarms: { iteratorAge: { days: 2 } } }, "172800", "from 60 to 86400"],
    ["a log retention that CloudWatch lacks", { logRetentionDays: 8 }, "8", "1, 3, 5, 7"],
    ["a database that Athena cannot name", { database: "Flight-Delays" }, "Flight-Delays", "lower case"],
    ["a generation below 0", { generation: -1 }, "-1", "from 0"],
    ["emptying buckets that are retained", { removal: "retain", emptyBuckets: true }, "true", 'removal to "destroy"'],
    ["settings of a source that is not there", { streams: { klicks: {} } }, "klicks", "clicks"],
    ["an output prefix with signs", { outputPrefix: "a-" }, "a-", "letters and digits"],
  ])("%s", (_what, props, given, limit) => {
    const { kind, message } = refusal(props);
    expect(kind).toBe("definition");
    expect(message).toContain(given);
    expect(message).toContain(limit);
  });

  test.each([
    pipeline("processed", (flow) => {
      const onRecord = ({ page, at }: { page: string; at: number }) => [{ page, at }];
      flow.from(clicks).byKey.process("p", { onRecord }).to(raw);
    }),
    pipeline("deduplicated", (flow) => {
      flow
        .from(clicks)
        .byKey.deduplicate("d", { id: (click) => click.page, within: { hours: 1 } })
        .to(raw);
    }),
  ])("beginning at the stream's end, with state that is not windows: $name", (stateful) => {
    expect(refusal({ mapping: { startingPosition: "LATEST" } }, stateful).message).toContain("A stage with state");
  });

  test("beginning at the stream's end without state: children of shards that were closed would wait for ever", () => {
    expect(refusal({ mapping: { startingPosition: "LATEST" } }, stateless).message).toContain("startAt");
  });

  test("the message names the pipeline and the setting", () => {
    expect(refusal({ mapping: { batchSize: 0 } }).message).toContain(
      'MillracePipeline("windowed"): mapping of "clicks".batchSize',
    );
  });

  test("two lakes that would share a table", () => {
    const shared = pipeline("shared", (flow) => {
      flow
        .from(clicks)
        .to(raw)
        .to(lake("plain_raw", { page: text, at: timestamp }));
    });
    expect(refusal({}, shared).message).toContain("plain_raw");
  });

  test("a handler that is not there", () => {
    const props = { code: undefined, handler: "functions/none.ts" } as unknown as Partial<MillracePipelineProps>;
    expect(refusal(props).message).toContain("functions/none.ts");
  });
});

describe("settings that can be are taken", () => {
  test("every limit itself is possible", () => {
    const template = provisioned(windowed, {
      mapping: { batchSize: 10_000, batchingWindow: { seconds: 300 } },
      lakes: { bufferMegabytes: 64, bufferInterval: { seconds: 900 } },
      function: { memory: 10_240, timeout: { seconds: 900 }, reservedConcurrency: 2 },
      stream: { retention: { days: 365 } },
    });
    expect(ofType(template, "AWS::Kinesis::Stream")[0]!.Properties["RetentionPeriodHours"]).toBe(8_760);
    expect(ofType(template, "AWS::Lambda::Function")[0]!.Properties["ReservedConcurrentExecutions"]).toBe(2);
  });

  test("an on-demand stream, which splits and merges its shards by itself", () => {
    const template = provisioned(windowed, { stream: { mode: "on-demand" }, function: { reservedConcurrency: 5 } });
    const [stream] = ofType(template, "AWS::Kinesis::Stream");
    expect(stream!.Properties["StreamModeDetails"]).toEqual({ StreamMode: "ON_DEMAND" });
    expect(stream!.Properties).not.toHaveProperty("ShardCount");
  });

  test("a mode of one source's own, which the number of shards of all others does not belong to", () => {
    const template = provisioned(windowed, { stream: { shards: 2 }, streams: { clicks: { mode: "on-demand" } } });
    expect(ofType(template, "AWS::Kinesis::Stream")[0]!.Properties).not.toHaveProperty("ShardCount");
  });

  test("X6: a new incarnation is a new stream", () => {
    const idOf = (incarnation: number) =>
      Object.keys(provisioned(windowed, { stream: { incarnation } }).findResources("AWS::Kinesis::Stream"));
    expect(idOf(1)).not.toEqual(idOf(0));
  });
});

describe("environments", () => {
  const read = (values: Readonly<Record<string, unknown>>) => (name: string) => values[name];

  test("dev is the default, and the context overrides its shards", () => {
    expect(environmentOf(read({}))).toMatchObject({ name: "dev", shards: 1, removal: "destroy" });
    expect(environmentOf(read({ environment: "prod", shards: "16" }))).toMatchObject({
      name: "prod",
      shards: 16,
      removal: "retain",
    });
  });

  test.each([
    [{ environment: "production" }, "production", "dev, staging, prod"],
    [{ environment: "constructor" }, "constructor", "dev, staging, prod"],
    [{ shards: "many" }, "many", "1 to 10000"],
    [{ shards: "0" }, "0", "1 to 10000"],
    [{ emptyBuckets: "maybe" }, "maybe", "true or false"],
    [{ alarmTopicArn: "ops@example.org" }, "ops@example.org", "SNS topic"],
  ])("%j is refused", (values, given, possible) => {
    expect(() => environmentOf(read(values))).toThrow(MillraceError);
    expect(() => environmentOf(read(values))).toThrow(given);
    expect(() => environmentOf(read(values))).toThrow(possible);
  });
});
