import type { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { KinesisStreamEvent } from "aws-lambda";
import { inspectTasks, lambdaHandler, listLargestKeys, readBindings, type StageHandler } from "millrace/lambda";
import { S3Client } from "@aws-sdk/client-s3";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { recordsRead } from "../../lib/connectors/kinesis/unparsed-event.ts";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import {
  bindingsOf,
  CONTEXT,
  kinesisRecord,
  startHandlerServices,
  type HandlerServices,
} from "../support/handler-services.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
const pipeline = eventsPipeline({ disorder: { hours: 1 } });
const bindings = bindingsOf("events", ARN, { sums: { deliveryStream: "sums" }, late: { deliveryStream: "late" } });

let services: HandlerServices;
let handler: StageHandler;
let dynamodb: DynamoDBClient;

beforeAll(async () => {
  services = await startHandlerServices(["shard-a", "shard-b", "shard-c", "shard-d", "shard-e", "shard-f"], bindings);
  ({ dynamodb } = services);
  for (const method of ["log", "info", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
  handler = lambdaHandler(pipeline);
});
afterAll(async () => {
  await services.stop();
  vi.restoreAllMocks();
});

const invoke = (event: unknown) => handler(event as KinesisStreamEvent, CONTEXT);

const record = (shard: string, sequence: number, arrival = 1_000, arn = ARN) =>
  kinesisRecord(arn, shard, sequence, JSON.stringify({ key: "a", time: 1_000 + sequence, value: 1 }), { arrival });

const heads = (partitions: string[]) =>
  inspectTasks({
    dynamodb,
    s3: new S3Client({ forcePathStyle: true }),
    bindings: readBindings(process.env),
    pipeline,
    partitions,
  });

describe("the handler", () => {
  test("several tasks in one invocation: one that fails is reported from its first record, the others run on", async () => {
    await invoke({ Records: [record("shard-b", 50)] });
    const answer = await invoke({
      // shard-b's records are below its position and arrived later: that stream was re-created.
      Records: [record("shard-a", 7), record("shard-b", 3, 2_000), record("shard-a", 8), record("shard-b", 4, 2_000)],
    });
    expect(answer).toEqual({ batchItemFailures: [{ itemIdentifier: "3" }] });
    expect((await heads(["shard-a", "shard-b"])).map(({ position }) => position?.sequence)).toEqual(["8", "50"]);
  });

  test("a batch that is folded already is a success, and commits nothing", async () => {
    await invoke({ Records: [record("shard-c", 1), record("shard-c", 2)] });
    expect(await invoke({ Records: [record("shard-c", 2)] })).toEqual({ batchItemFailures: [] });
    expect((await heads(["shard-c"]))[0]).toMatchObject({ epoch: 1, position: { sequence: "2" } });
  });

  test("invocations that overlap on one task take turns", async () => {
    const batches = [1, 2, 3, 4, 5].map((n) => invoke({ Records: [record("shard-d", n)] }));
    await Promise.all(batches);
    expect((await heads(["shard-d"]))[0]).toMatchObject({ epoch: 5, position: { sequence: "5" } });
  });

  test("an event that JSON.parse has left unparsed, as for Lambda's runtime, is folded like any other", async () => {
    const parsed = (n: number) => JSON.parse(JSON.stringify({ Records: [record("shard-f", n)] })) as unknown;
    await invoke(parsed(1));
    const unparsed = parsed(2);
    expect(recordsRead(unparsed)).toBeDefined();
    expect(await invoke(unparsed)).toEqual({ batchItemFailures: [] });
    expect((await heads(["shard-f"]))[0]).toMatchObject({ epoch: 2, position: { sequence: "2" } });
  });

  test("a task's largest keys are listed", async () => {
    await invoke({ Records: [record("shard-e", 1), record("shard-e", 2), record("shard-e", 30)] });
    const largest = await listLargestKeys({
      dynamodb,
      s3: new S3Client({ forcePathStyle: true }),
      bindings: readBindings(process.env),
      pipeline,
      partition: "shard-e",
    });
    expect(largest).toMatchObject([{ operator: "tens", key: { key: "a" }, entries: 2 }]);
    expect(largest[0]!.bytes).toBeGreaterThan(10);
  });

  test("records of another stream are refused, loudly", async () => {
    const other = record("shard-a", 9, 1_000, "arn:aws:kinesis:us-east-1:000000000000:stream/other");
    await expect(invoke({ Records: [other] })).rejects.toMatchObject({ code: "kinesis/other-stream" });
  });

  test.each([[{}], [{ Records: [] }], [{ Records: [{ s3: {} }] }], [null]])(
    "an event of another kind is refused: %j",
    async (event) => {
      await expect(invoke(event)).rejects.toMatchObject({ code: "lambda/event" });
    },
  );

  test("a message that is no tick comes again; one of another deployment is of no use any more", async () => {
    const message = (messageId: string, body: string) => ({ messageId, body, receiptHandle: "h" });
    const answer = await invoke({
      Records: [
        message("junk", "{"),
        message("unknown", '{"type":"explode","task":"t"}'),
        message(
          "old",
          JSON.stringify({ type: "tick", id: "i", at: 1, task: "events-pipeline:7:events:events.0:shard-a" }),
        ),
      ],
    });
    expect(answer.batchItemFailures.map(({ itemIdentifier }) => itemIdentifier)).toEqual(["junk", "unknown"]);
  });
});

test.each([
  [undefined, "is not set"],
  ["{", "is not JSON"],
  [JSON.stringify({ ...bindings, table: "" }), "has no text for table"],
  [JSON.stringify({ ...bindings, source: [] }), "has no object for source"],
  [JSON.stringify({ ...bindings, generation: -1 }), "has no whole number for generation"],
])("bindings %s are refused, and the message says why", (json, why) => {
  expect(() => readBindings({ [BINDINGS_VARIABLE]: json })).toThrow(why);
});
