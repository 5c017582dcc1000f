import { fileURLToPath } from "node:url";
import { Stream } from "aws-cdk-lib/aws-kinesis";
import type { Stack } from "aws-cdk-lib";
import { HttpIngest, type MillracePipelineProps } from "millrace/cdk";
import { afterAll, beforeAll, expect, test } from "vitest";
import { messagesOf } from "../connectors/systems.ts";
import ingested, { orders } from "./ingest/pipeline.ts";
import { Live, until } from "./live.ts";

const ROOT = fileURLToPath(new URL("../..", import.meta.url));
const T0 = Date.UTC(2024, 0, 1);

let live: Live;
let url: string;
beforeAll(async () => {
  const beside = (stack: Stack): Partial<MillracePipelineProps> => {
    const stream = new Stream(stack, "Orders", { shardCount: 2 });
    const handler = "test/end-to-end/ingest/ingest-handler.ts";
    new HttpIngest(stack, "Ingest", { source: orders, stream, handler, projectRoot: ROOT });
    return { streams: { orders: { existing: stream } }, stream: {}, mapping: { batchingWindow: { seconds: 0 } } };
  };
  live = await Live.start(ingested, "test/end-to-end/ingest/handler.ts", {
    beside,
    faults: {
      seed: 3,
      killWorker: 0,
      repeatBatch: 0.1,
      cutBatch: 0.2,
      throttleTable: 0,
      loseTableAnswer: 0,
      throttleStream: 0.4,
      loseStreamAnswer: 0.2,
      failSink: 0,
      failSinkPartly: 0.2,
      repeatSink: 0,
      delaySink: 0,
      delayMillis: 0,
      earlyChild: 0,
    },
  });
  const ingest = live.stack.resources.find(
    ({ type, ref }) => type === "AWS::Lambda::Function" && ref.includes("Ingest"),
  );
  url = live.stack.functionUrl(ingest!.ref);
}, 120_000);
afterAll(() => live?.stop());

interface Answer {
  readonly accepted: number;
  readonly results: readonly { readonly status: number; readonly error?: { readonly fields?: unknown } }[];
}

async function send(
  body: unknown,
  key: string,
  type = "application/json",
): Promise<{ status: number; answer: Answer }> {
  const response = await fetch(url, {
    method: "POST",
    headers: { "content-type": type, "idempotency-key": key },
    body: typeof body === "string" ? body : JSON.stringify(body),
  });
  return { status: response.status, answer: (await response.json()) as Answer };
}

test("events sent by HTTP go through the pipeline once each, however often a client has to send them again", async () => {
  let again = 0;
  for (let from = 0; from < 60; from += 6) {
    const events = Array.from({ length: 6 }, (_, i) => ({ shop: `shop ${i % 3}`, n: from + i, at: T0 + from + i }));
    const body = from % 12 === 0 ? events : events.map((event) => JSON.stringify(event)).join("\n");
    const type = from % 12 === 0 ? "application/json" : "application/x-ndjson";
    // The whole request again, under its key, until all of it is known to be there; every third once more, as of a client
    // whose connection broke before the answer.
    for (let repeats = from % 18 === 0 ? 1 : 0; ;) {
      const { status, answer } = await send(body, `request ${from}`, type);
      expect([202, 207, 429, 503]).toContain(status);
      if (answer.results.every((result) => result.status === 202) && repeats-- === 0) break;
      again++;
    }
  }
  expect(again).toBeGreaterThan(3);
  live.stack.calm();
  await live.committed(60);
  const numbers: number[] = [];
  await until("all have come", async () => {
    const messages = await messagesOf(live.stack, live.stack.outputs["SinkTakenQueueUrl"]!);
    numbers.push(...messages.map(({ body }) => (JSON.parse(body) as { n: number }).n));
    return new Set(numbers).size === 60;
  });
  expect(numbers.toSorted((a, b) => a - b)).toEqual(Array.from({ length: 60 }, (_, n) => n));
  expect(await live.deadLetters()).toEqual(new Map());
}, 180_000);

test("what does not fit is told to who sent it, and never becomes a dead letter", async () => {
  expect(await send({ shop: 1, n: 1, at: T0 }, "bad")).toMatchObject({
    status: 400,
    answer: {
      accepted: 0,
      results: [{ status: 400, error: { code: "schema/mismatch", fields: [{ field: "shop" }] } }],
    },
  });
  expect((await send("{", "bad")).status).toBe(400);
  expect((await send("{}", "bad", "text/plain")).status).toBe(415);
  expect((await fetch(url)).status).toBe(405);
  expect((await fetch(new URL("/other/", url), { method: "POST" })).status).toBe(404);
  await live.committed();
  expect(await live.deadLetters()).toEqual(new Map());
}, 60_000);
