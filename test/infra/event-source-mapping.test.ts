import { describe, expect, test } from "vitest";
import { ofType, plain, synthesized } from "./synthesized.ts";

const template = synthesized("prod");
const mappings = ofType(template, "AWS::Lambda::EventSourceMapping").map(({ Properties }) => Properties);
const streamMappings = mappings.filter((mapping) => "StartingPosition" in mapping);
const tickMappings = mappings.filter((mapping) => !("StartingPosition" in mapping));

describe("X6: one mapping, that never gives up", () => {
  test("a task source has one mapping", () => {
    expect(streamMappings).toHaveLength(ofType(template, "AWS::Kinesis::Stream").length);
    expect(new Set(streamMappings.map((mapping) => plain(mapping["EventSourceArn"]))).size).toBe(streamMappings.length);
  });

  test.each([
    ["retries for ever", "MaximumRetryAttempts", -1],
    ["takes records of any age", "MaximumRecordAgeInSeconds", -1],
    ["isolates a bad record", "BisectBatchOnFunctionError", true],
    ["runs one batch of a shard at a time", "ParallelizationFactor", 1],
    ["takes partial failures", "FunctionResponseTypes", ["ReportBatchItemFailures"]],
    ["begins below every record", "StartingPosition", "TRIM_HORIZON"],
  ])("it %s", (_law, setting, value) => {
    for (const mapping of streamMappings) expect(mapping[setting]).toEqual(value);
  });

  test("what it drops all the same is reported to a queue", () => {
    for (const mapping of streamMappings) {
      const { OnFailure } = mapping["DestinationConfig"] as { readonly OnFailure: { readonly Destination: unknown } };
      expect(plain(OnFailure.Destination)).toBe("{PipelineOnFailure.Arn}");
    }
  });

  test("Lambda's own windows are not used", () => {
    for (const mapping of streamMappings) expect(mapping).not.toHaveProperty("TumblingWindowInSeconds");
  });
});

describe("X12: ticks", () => {
  test("every stage has a tick queue that invokes the stage's own function", () => {
    expect(tickMappings.map((mapping) => plain(mapping["FunctionName"]))).toEqual(
      streamMappings.map((mapping) => plain(mapping["FunctionName"])),
    );
  });

  test("one failed tick does not bring the others of its batch back", () => {
    for (const mapping of tickMappings) expect(mapping["FunctionResponseTypes"]).toEqual(["ReportBatchItemFailures"]);
  });

  test("a tick stays hidden for six times the function's time-out, and is set aside at last", () => {
    const [target] = ofType(template, "AWS::Lambda::Function");
    const redriven = ofType(template, "AWS::SQS::Queue").filter(({ Properties }) => "RedrivePolicy" in Properties);
    expect(redriven).toHaveLength(tickMappings.length);
    for (const { Properties } of redriven) {
      expect(Properties["VisibilityTimeout"]).toBeGreaterThanOrEqual(6 * (target!.Properties["Timeout"] as number));
      expect(plain((Properties["RedrivePolicy"] as { deadLetterTargetArn: unknown }).deadLetterTargetArn)).toBe(
        "{PipelineLostTicks.Arn}",
      );
    }
  });
});
