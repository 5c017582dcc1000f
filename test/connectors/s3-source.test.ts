import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { DeleteObjectCommand, PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { bigint, lake, pipeline, s3Objects } from "millrace";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import * as z from "zod";
import { s3Source } from "../../lib/connectors/s3/source.ts";
import type { Services } from "../../lib/connectors/services.ts";
import type { UnorderedWork } from "../../lib/connectors/unordered-connector.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import { createQueue, startStorage, type StorageEmulator } from "../../localstack/storage/storage-emulator.ts";
import { LooseStage } from "../unordered/stage.ts";

const LINES = 3_500;
const QUEUE_ARN = "arn:aws:sqs:us-east-1:000000000000:told";
const loading = pipeline("loading", (flow) => {
  flow
    .from(s3Objects("archive", { schema: z.object({ n: z.number() }) }))
    .map("row", ({ n }) => ({ n: BigInt(n) }))
    .to(lake("rows", { n: bigint }));
});
const bodyOf = (lines: number) => Array.from({ length: lines }, (_, n) => `{"n":${n}}`).join("\n");

let storage: StorageEmulator;
let directory: string;
let s3: S3Client;
let sqs: SQSClient;
let queueUrl: string;
let key: string;
let objects = 0;

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "millrace-s3-"));
  storage = await startStorage(directory);
  storage.objects.createBucket("archive");
  queueUrl = await createQueue(storage.queues, { name: "told", properties: {} } as never);
  const connection = {
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    endpoint: `http://127.0.0.1:${storage.port}`,
  };
  s3 = new S3Client({ ...connection, forcePathStyle: true });
  sqs = new SQSClient({ ...connection, useQueueUrlAsEndpoint: false });
});
afterAll(async () => {
  s3.destroy();
  sqs.destroy();
  await storage.stop();
  rmSync(directory, { recursive: true });
});
beforeEach(() => {
  key = `a day+é/${++objects}.jsonl`;
});

const put = async (Body: string | Buffer): Promise<string> => {
  const { ETag } = await s3.send(new PutObjectCommand({ Bucket: "archive", Key: key, Body }));
  return ETag!.replaceAll('"', "");
};

const told = (etag?: string) =>
  JSON.stringify({
    source: "aws.s3",
    "detail-type": "Object Created",
    detail: { bucket: { name: "archive" }, object: { key, ...(etag && { etag }) } },
  });

const eventOf = (body: string, receives = 1) => ({
  Records: [
    {
      messageId: `m-${objects}`,
      receiptHandle: "r",
      body,
      attributes: { SentTimestamp: "1000", ApproximateReceiveCount: String(receives) },
      eventSourceARN: QUEUE_ARN,
    },
  ],
});

/** @param left what an invocation has left, asked after each portion that was delivered */
function workOf(stage: LooseStage, left: () => number = () => Number.POSITIVE_INFINITY) {
  const failures: unknown[] = [];
  let time = 0;
  const clients = new Map<unknown, unknown>([
    [S3Client, s3],
    [SQSClient, sqs],
  ]);
  const services: Services = {
    aws: { of: (Client) => clients.get(Client) as never },
    now: () => time++,
    wait: Object.assign(() => Promise.resolve(), { left, jitter: () => 1 }),
  };
  const work: UnorderedWork = {
    address: { queueArn: QUEUE_ARN, queueUrl },
    services,
    runtime: stage.runtime,
    failed: (_what, thrown) => failures.push(thrown),
    notice: () => undefined,
  };
  return { work, failures };
}

/** The messages that are in the queue, taken out of it. */
async function sent(): Promise<string[]> {
  const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl: queueUrl, MaxNumberOfMessages: 10 }));
  return Messages.map(({ Body }) => Body!);
}

const numbers = (stage: LooseStage) => [...stage.rows("rows").values()].map(({ n }) => Number(n));
const all = Array.from({ length: LINES }, (_, n) => n);

describe("an object is read whole", () => {
  test.each([
    ["plain", (body: string) => body],
    ["gzip", (body: string) => gzipSync(body)],
  ])("%s; told of twice, its rows have the ids that they had", async (_kind, encoded) => {
    const etag = await put(encoded(bodyOf(LINES)));
    const stage = new LooseStage(loading);
    for (const event of [eventOf(told(etag)), eventOf(told())])
      expect(await s3Source.work(event, workOf(stage).work)).toEqual([]);
    expect(stage.delivered.get("rows")).toHaveLength(2 * LINES);
    expect(numbers(stage)).toEqual(all);
  });

  test.each([
    ["plain", (body: string) => body],
    ["gzip", (body: string) => gzipSync(body)],
  ])(
    "%s, by several invocations, where one has not the time: each goes on where it was left",
    async (_kind, encoded) => {
      await put(encoded(bodyOf(LINES)));
      const stage = new LooseStage(loading);
      let bodies = [told()];
      let invocations = 0;
      for (; bodies.length > 0 && invocations < 10; invocations++) {
        let portions = 0;
        // Of what is compressed, what was read before is passed over: that takes no time here.
        const left = () => (stage.reports.length > portions ? 0 : 10);
        portions = stage.reports.length;
        for (const body of bodies) expect(await s3Source.work(eventOf(body), workOf(stage, left).work)).toEqual([]);
        bodies = await sent();
      }
      expect(invocations).toBe(4 + 1); // the last finds that nothing is left
      expect(stage.delivered.get("rows")).toHaveLength(LINES);
      expect(numbers(stage)).toEqual(all);
    },
  );
});

test("what is read on is what was begun, though its message did not say what that was", async () => {
  await put(bodyOf(LINES));
  const stage = new LooseStage(loading);
  expect(await s3Source.work(eventOf(told()), workOf(stage, () => (stage.reports.length > 0 ? 0 : 10)).work)).toEqual(
    [],
  );
  await put(bodyOf(LINES + 1));
  for (const body of await sent()) expect(await s3Source.work(eventOf(body), workOf(stage).work)).toEqual([]);
  expect(numbers(stage)).toEqual(all.slice(0, 1_000));
  expect(stage.letters()).toMatchObject([{ reason: { code: "s3/replaced" } }]);
});

describe("what fails", () => {
  test("in the midst of an object: the rest is read later, by a message of its own", async () => {
    await put(bodyOf(LINES));
    let portions = 0;
    const stage = new LooseStage(loading, {
      rows: async () => {
        if (++portions === 3) throw new Error("down");
        return [];
      },
    });
    const { work, failures } = workOf(stage);
    expect(await s3Source.work(eventOf(told()), work)).toEqual([]);
    expect(failures).toHaveLength(1);
    expect(numbers(stage)).toEqual(all.slice(0, 2_000));
    expect(await sent()).toEqual([]); // it is delayed
    const queue = (await storage.queueCounts()).find(({ name }) => name === "told")!;
    expect(queue.approximateDelayedCount).toBe(1);
  });

  test("at its beginning: the message comes again", async () => {
    await put(bodyOf(3));
    const stage = new LooseStage(loading, {
      rows: async () => {
        throw new Error("down");
      },
    });
    expect(await s3Source.work(eventOf(told()), workOf(stage).work)).toEqual([`m-${objects}`]);
  });

  test("poison lines are dead letters that say where they are, and their neighbours are rows", async () => {
    const etag = await put(['{"n":1}', "no JSON", "x".repeat(1_024 * 1_024 + 1), '{"n":2}'].join("\n"));
    const stage = new LooseStage(loading);
    expect(await s3Source.work(eventOf(told()), workOf(stage).work)).toEqual([]);
    expect(numbers(stage)).toEqual([1, 2]);
    expect(stage.letters()).toMatchObject([
      { partitionKey: `s3://archive/${key}?etag=${etag}#1`, position: { index: 1 }, reason: { code: "json/syntax" } },
      { partitionKey: `s3://archive/${key}?etag=${etag}#2`, reason: { code: "s3/line-too-long" } },
    ]);
  });

  test("an object that is not there any more, is another now, or is not whole, is a dead letter", async () => {
    const stage = new LooseStage(loading);
    const work = (body: string) => s3Source.work(eventOf(body), workOf(stage).work);
    const etag = await put("1");
    await put("2");
    expect(await work(told(etag))).toEqual([]);
    await s3.send(new DeleteObjectCommand({ Bucket: "archive", Key: key }));
    expect(await work(told(etag))).toEqual([]);
    await put(gzipSync(bodyOf(9)).subarray(0, -9));
    expect(await work(told())).toEqual([]);
    expect(await work("no notification")).toEqual([]);
    expect(stage.letters().map(({ reason }) => reason.code)).toEqual([
      "s3/replaced",
      "s3/gone",
      "s3/damaged",
      "s3/notification",
    ]);
  });

  test("one of which an invocation comes to nothing new is a dead letter, and not read for ever", async () => {
    await put(gzipSync(bodyOf(LINES)));
    const stage = new LooseStage(loading);
    const from = JSON.stringify({
      millrace: "continue",
      object: { bucket: "archive", key, from: { line: 3_000, byte: 0 } },
    });
    expect(await s3Source.work(eventOf(from), workOf(stage, () => -1).work)).toEqual([]);
    expect(stage.letters()).toMatchObject([{ reason: { code: "s3/too-large" } }]);
    expect(await sent()).toEqual([]);
  });

  test.each([
    ["a line without end", Buffer.alloc(40_000_000, "x")],
    ["lines of nothing", Buffer.alloc(40_000_000, "\n")],
  ])(
    "one of %s, which takes more time than there is, is a dead letter, and does not come for ever",
    async (_, body) => {
      await put(gzipSync(body));
      const stage = new LooseStage(loading);
      let asked = 0;
      expect(await s3Source.work(eventOf(told()), workOf(stage, () => (++asked > 3 ? -1 : 10)).work)).toEqual([]);
      for (const again of await sent()) {
        expect(await s3Source.work(eventOf(again), workOf(stage, () => -1).work)).toEqual([]);
      }
      expect(stage.letters()).toMatchObject([{ reason: { code: "s3/too-large" } }]);
      expect(asked).toBe(4);
    },
  );

  test("without time, what comes after the first message of a batch is not begun", async () => {
    await put(bodyOf(3));
    const stage = new LooseStage(loading);
    const [one] = eventOf(told()).Records;
    const Records = ["m1", "m2", "m3"].map((messageId) => ({ ...one!, messageId }));
    expect(await s3Source.work({ Records }, workOf(stage, () => 0).work)).toEqual(["m2", "m3"]);
    expect(numbers(stage)).toEqual(all.slice(0, 3));
  });

  test("of each of the objects that one message tells of there is a letter of its own name", async () => {
    const stage = new LooseStage(loading);
    const Records = ["one", "two"].map((name) => ({
      eventSource: "aws:s3",
      eventName: "ObjectCreated:Put",
      s3: { bucket: { name: "archive" }, object: { key: `gone/${name}`, eTag: "e" } },
    }));
    expect(await s3Source.work(eventOf(JSON.stringify({ Records })), workOf(stage).work)).toEqual([]);
    expect(new Set(stage.letters().map(({ task }) => task)).size).toBe(2);
  });

  test("a letter of an object is no line, whatever the schema takes: redriven it is a letter again, that says what to do", async () => {
    const anything = pipeline("anything", (flow) => {
      flow
        .from(s3Objects("archive", { schema: z.unknown() }))
        .map("row", () => ({ n: 1n }))
        .to(lake("rows", { n: bigint }));
    });
    const stage = new LooseStage(anything);
    expect(await s3Source.work(eventOf(told("gone")), workOf(stage).work)).toEqual([]);
    const [letter] = stage.letters();
    await stage.runtime.control(parseControlMessage(redriveBody(JSON.stringify(letter)))!);
    expect(stage.delivered.get("rows")).toBeUndefined();
    expect(stage.letters().map(({ reason }) => reason.code)).toEqual(["s3/gone", "s3/object"]);
  });

  test("S3's test and deletions are done with at once", async () => {
    const stage = new LooseStage(loading);
    const event = eventOf(JSON.stringify({ Service: "Amazon S3", Event: "s3:TestEvent", Bucket: "archive" }));
    expect(await s3Source.work(event, workOf(stage).work)).toEqual([]);
    expect(stage.delivered.size).toBe(0);
  });
});
