import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import type { S3Client } from "@aws-sdk/client-s3";
import type { Context } from "aws-lambda";
import fc from "fast-check";
import { inspectTasks, lambdaHandler, readBindings, type StageHandler, type StageResponse } from "millrace/lambda";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { MillraceError } from "../../lib/errors.ts";
import { BINDINGS_VARIABLE } from "../../lib/plan/bindings.ts";
import { eventsPipeline } from "../support/events-pipeline.ts";
import { FakeServices } from "./support/fake-clients.ts";
import { ItemTable } from "./support/item-table.ts";
import { FUZZ_TIMEOUT, fuzzRuns, Outcomes } from "./support/runs.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";
const SHARDS = ["shardId-000000000000", "shardId-000000000001"];
const services = new FakeServices(SHARDS);
const pipeline = eventsPipeline({ disorder: { hours: 1 } });

vi.mock("../../lib/lambda/clients.ts", () => ({ awsClients: () => services.clients }));

beforeAll(() => {
  const urls = { deadLetterQueueUrl: "dead", tickQueueUrl: "ticks" };
  const source = {
    connector: "kinesis",
    address: { stream: "events", streamArn: ARN },
    incarnation: 0,
    suspectAfterMillis: 1e15,
  };
  const bindings = { deployment: "test", stage: "events", generation: 0, source, table: "t", bucket: "b", ...urls };
  vi.stubEnv(
    BINDINGS_VARIABLE,
    JSON.stringify({
      ...bindings,
      tickQueues: {},
      shuffles: {},
      sinks: { sums: { deliveryStream: "sums" }, late: { deliveryStream: "late" } },
      lookupTables: {},
    }),
  );
  vi.stubEnv("POWERTOOLS_DEV", "true");
  vi.stubEnv("POWERTOOLS_METRICS_DISABLED", "true");
  for (const method of ["log", "info", "warn", "error"] as const) vi.spyOn(console, method).mockReturnValue();
});
afterAll(() => {
  vi.unstubAllEnvs();
  vi.restoreAllMocks();
});

const context = { getRemainingTimeInMillis: () => 60_000, functionName: "f", awsRequestId: "r" } as Context;
const invoke = (handler: StageHandler, event: unknown) => handler(event as Parameters<StageHandler>[0], context);

/** Two shards' records, interleaved. */
const event = () => ({
  Records: [7, 8, 9, 10, 11].map((sequence, i) => ({
    eventID: `${SHARDS[i % 2]}:${sequence}`,
    eventName: "aws:kinesis:record",
    eventVersion: "1.0",
    eventSource: "aws:kinesis",
    awsRegion: "us-east-1",
    eventSourceARN: ARN,
    invokeIdentityArn: "arn:aws:iam::000000000000:role/function",
    kinesis: {
      kinesisSchemaVersion: "1.0",
      partitionKey: "a",
      sequenceNumber: String(sequence),
      data: Buffer.from(JSON.stringify({ key: "a", time: sequence, value: 1 })).toString("base64"),
      approximateArrivalTimestamp: 1_545_084_650.987,
    },
  })),
});

const messages = () => ({
  Records: [
    { type: "tick", id: "i", at: 1, task: `events-pipeline:0:events:events.0:${SHARDS[0]}` },
    { type: "sweep", task: `events-pipeline:0:events:events.0:${SHARDS[1]}` },
    { type: "tick", id: "i", at: 1, task: `events-pipeline:6:events:events.0:${SHARDS[1]}` },
  ].map((body, i) => ({
    messageId: `m${i}`,
    receiptHandle: "h",
    body: JSON.stringify(body),
    attributes: { ApproximateReceiveCount: "1" },
    eventSource: "aws:sqs",
  })),
});

/** Changes something, anywhere in a JSON value: other values, other types, keys that go, entries that come twice. */
function changed(value: unknown, path: readonly number[], how: number, other: unknown): unknown {
  const [step, ...rest] = path;
  if (typeof value !== "object" || value === null || step === undefined)
    return how % 3 === 0 ? near(value, how) : other;
  const keys = Object.keys(value);
  const key = keys[step % Math.max(1, keys.length)];
  if (key === undefined) return other;
  if (Array.isArray(value)) {
    const copy = [...(value as unknown[])];
    const at = Number(key);
    if (rest.length > 0) copy[at] = changed(copy[at], rest, how, other);
    else if (how % 4 === 0) copy.splice(at, 1);
    else if (how % 4 === 1) copy.push(copy[at]);
    else if (how % 4 === 2) copy.reverse();
    else copy[at] = other;
    return copy;
  }
  const copy = { ...value } as Record<string, unknown>;
  if (rest.length === 0 && how % 2 === 0) delete copy[key];
  else copy[key] = changed(copy[key], rest, how, other);
  return copy;
}

/** A value that is almost the same. */
function near(value: unknown, how: number): unknown {
  if (typeof value === "number") return [value + 1, -value, value * 1e9, String(value)][how % 4];
  if (typeof value !== "string") return [value];
  const at = how % (value.length + 1);
  return [value.slice(0, at), `${value}0`, `0${value}`, `${value.slice(0, at)}-${value.slice(at)}`, ` ${value}`][
    how % 5
  ];
}

const change = fc.tuple(
  fc.array(fc.nat(), { minLength: 1, maxLength: 4 }),
  fc.nat(),
  fc.oneof(
    fc.constantFrom<unknown>(
      null,
      undefined,
      -1,
      NaN,
      1e300,
      "",
      "x",
      "00",
      "7",
      "-7",
      "1e3",
      `${SHARDS[1]}:7`,
      {},
      [],
    ),
    fc.jsonValue(),
  ),
);
const changes = fc.array(change, { minLength: 1, maxLength: 2 });
const apply = (value: unknown, all: readonly (readonly [number[], number, unknown])[]) =>
  all.reduce((one, [path, how, other]) => changed(one, path, how, other), value);

/** What has come of both shards' tasks. */
const heads = async () => {
  const s3 = {} as S3Client;
  const dynamodb = services.clients.of(DynamoDBClient);
  const all = await inspectTasks({ dynamodb, s3, bindings: readBindings(process.env), pipeline, partitions: SHARDS });
  return all.map(({ position, counters }) => [position?.sequence, counters.get("events")?.in ?? 0] as const);
};

/** What an event says, read by other means than the library's. Undefined for one that says nothing. */
function said(value: unknown): readonly (readonly [string | undefined, number])[] | undefined {
  const records = (value as ReturnType<typeof event>).Records;
  return SHARDS.map((shard) => {
    const own = records.filter(({ eventID }) => eventID.startsWith(`${shard}:`));
    const sequences = [...new Set(own.map(({ eventID }) => BigInt(eventID.slice(shard.length + 1))))];
    const last = sequences.reduce<bigint | undefined>((a, b) => (a === undefined || b > a ? b : a), undefined);
    return [last?.toString(), sequences.length] as const;
  });
}

test(
  "an event of a wrong shape fails the invocation, or just the record's shard; it is never a silent success",
  async () => {
    const outcomes = new Outcomes("events");
    const run = async (all: readonly (readonly [number[], number, unknown])[]) => {
      services.table = new ItemTable();
      const handler = lambdaHandler(pipeline);
      const given = apply(event(), all);
      let answer: StageResponse;
      try {
        answer = await invoke(handler, given);
      } catch (thrown) {
        if (!(thrown instanceof MillraceError)) throw thrown;
        outcomes.count(thrown.code);
        // Nothing of it was folded: what comes again is folded as if nothing had been.
        expect(await heads()).toEqual(SHARDS.map(() => [undefined, 0]));
        return;
      }
      const failed = answer.batchItemFailures.length > 0;
      outcomes.count(failed ? "failures" : "right");
      if (failed) return;
      expect(await heads()).toEqual(said(given));
    };
    await fc.assert(fc.asyncProperty(changes, run), fuzzRuns(250));
  },
  FUZZ_TIMEOUT,
);

test(
  "a message of a wrong shape fails, or just itself",
  async () => {
    const outcomes = new Outcomes("messages");
    const handler = lambdaHandler(pipeline);
    await invoke(handler, event());
    const before = await heads();
    const run = async (all: readonly (readonly [number[], number, unknown])[], inBody: boolean) => {
      const base = messages();
      const given = inBody
        ? {
            Records: base.Records.map((one) => ({
              ...one,
              body: JSON.stringify(apply(JSON.parse(one.body), all)) ?? "",
            })),
          }
        : apply(base, all);
      try {
        const { batchItemFailures } = await invoke(handler, given);
        outcomes.count(batchItemFailures.length > 0 ? "failures" : "taken");
      } catch (thrown) {
        if (!(thrown instanceof MillraceError)) throw thrown;
        outcomes.count(thrown.code);
      }
      expect(await heads()).toEqual(before);
    };
    await fc.assert(fc.asyncProperty(changes, fc.boolean(), run), fuzzRuns(200));
  },
  FUZZ_TIMEOUT,
);
