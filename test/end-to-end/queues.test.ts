import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { gzipSync } from "node:zlib";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { SendMessageBatchCommand, SQSClient } from "@aws-sdk/client-sqs";
import { App, Duration, Stack } from "aws-cdk-lib";
import { Bucket, CfnBucket } from "aws-cdk-lib/aws-s3";
import { CfnQueue, Queue } from "aws-cdk-lib/aws-sqs";
import { MillracePipeline } from "millrace/cdk";
import { startLocalStack, type LocalStack } from "millrace/local";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { DeadLetter } from "../../lib/runtime/dead-letter.ts";
import { messagesOf, recordsOf } from "../connectors/systems.ts";
import { until } from "./live.ts";
import queues from "./queues/pipeline.ts";

const ROOT = path.resolve(import.meta.dirname, "../..");
const SHOPS = ["a", "b", "c"];
const ORDERS = 150;
const [KILLER, POISON] = [13, 40];

let stack: LocalStack;
let directory: string;
let sqs: SQSClient;

interface Order {
  readonly id: string;
  readonly shop: string;
  readonly n: number;
}
const orders: readonly Order[] = Array.from({ length: ORDERS }, (_, n) => ({ id: `o-${n}`, shop: SHOPS[n % 3]!, n }));

/** A queue that hides messages for as long as a test can wait, as one that is there already may. */
const hasty = (scope: Stack, id: string, fifo: boolean) => {
  const common = { ...(fifo && { fifo }) };
  const queue = new Queue(scope, id, {
    ...common,
    visibilityTimeout: Duration.seconds(2),
    deadLetterQueue: { queue: new Queue(scope, `${id}Aside`, common), maxReceiveCount: 100 },
  });
  return Queue.fromQueueAttributes(scope, `${id}Brought`, {
    queueArn: queue.queueArn,
    queueUrl: queue.queueUrl,
    fifo,
  });
};

beforeAll(async () => {
  process.env["CDK_VALIDATION"] = "false";
  directory = await mkdtemp(path.join(tmpdir(), "millrace-queues-"));
  const app = new App({ outdir: path.join(directory, "cdk.out") });
  const cdk = new Stack(app, "queues");
  const archive = new CfnBucket(cdk, "Archive", {
    notificationConfiguration: { eventBridgeConfiguration: { eventBridgeEnabled: true } },
  });
  const construct = new MillracePipeline(cdk, "Pipeline", {
    pipeline: queues,
    handler: "test/end-to-end/queues/handler.ts",
    projectRoot: ROOT,
    function: { timeout: { seconds: 20 } },
    s3Objects: {
      archive: { bucket: Bucket.fromCfnBucket(archive), prefix: "in/", suffix: ".jsonl", maximumConcurrency: 3 },
    },
    sqsQueues: {
      plain: { existing: hasty(cdk, "Plain", false), maximumConcurrency: 3 },
      grouped: { existing: hasty(cdk, "Grouped", true), maximumConcurrency: 3 },
    },
  });
  // Else each message that fails would be hidden for two minutes.
  const told = construct.node.findAll().filter((one) => one instanceof CfnQueue && one.node.path.includes("archive/"));
  for (const one of told) (one as CfnQueue).addPropertyOverride("VisibilityTimeout", 2);
  stack = await startLocalStack({
    templates: [path.join(app.synth().directory, "queues.template.json")],
    dataDirectory: path.join(directory, "data"),
    faults: {
      ...{ seed: 3, killWorker: 0.05, repeatBatch: 0.1, cutBatch: 0, throttleTable: 0, loseTableAnswer: 0 },
      ...{ throttleStream: 0.1, loseStreamAnswer: 0.05, failSink: 0.05, failSinkPartly: 0.2, repeatSink: 0.05 },
      ...{ delaySink: 0, delayMillis: 0, earlyChild: 0 },
    },
  });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  sqs = new SQSClient({ region: "us-east-1", credentials, endpoint: stack.endpoints.sqs });
  const bodyOf = (order: Order) => (order.n === POISON ? "no JSON" : JSON.stringify(order));
  for (let from = 0; from < ORDERS; from += 10) {
    const some = orders.slice(from, from + 10);
    for (const name of ["Plain", "Grouped"]) {
      // What a producer sends twice, as it heard of no answer.
      const twice = name === "Plain" ? [...some.slice(0, 5), ...some.slice(0, 5)] : some;
      for (const sent of name === "Plain" ? [some, twice] : [some]) {
        const Entries = sent.map((order, i) => ({
          Id: String(i),
          MessageBody: bodyOf(order),
          ...(name === "Grouped" && { MessageGroupId: order.shop, MessageDeduplicationId: order.id }),
        }));
        await sqs.send(new SendMessageBatchCommand({ QueueUrl: urlOf(name), Entries }));
      }
    }
  }
  await putObjects();
  await until(
    "all messages are done with",
    async () => {
      const { hiddenMessages, visibleMessages, inFlight } = await stack.lag();
      return hiddenMessages + visibleMessages + inFlight === 0;
    },
    300,
  );
  stack.calm();
}, 420_000);
afterAll(async () => {
  sqs?.destroy();
  await stack?.stop();
  if (directory !== undefined) await rm(directory, { recursive: true, force: true });
});

/** Orders in ten objects; one of them is put twice, and others are of no concern. */
async function putObjects(): Promise<void> {
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const s3 = new S3Client({ region: "us-east-1", credentials, endpoint: stack.endpoints.s3, forcePathStyle: true });
  const Bucket = stack.resources.find(({ logicalId }) => logicalId === "Archive")!.ref;
  const put = (Key: string, Body: string | Buffer) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  for (let from = 0; from < ORDERS; from += 15) {
    const lines = orders
      .slice(from, from + 15)
      .map((order) => (order.n === POISON ? "no JSON" : JSON.stringify(order)));
    const body = lines.join(from % 2 === 0 ? "\n" : "\r\n\n");
    const key = `in/a day+é/${from}.jsonl`;
    await put(key, from % 30 === 0 ? gzipSync(body) : body);
    if (from === 45) await put(key, body);
  }
  await put("out/0.jsonl", "of another prefix");
  await put("in/0.csv", "of another suffix");
  s3.destroy();
}

const urlOf = (id: string): string =>
  stack.resources.find(
    ({ logicalId, type }) => type === "AWS::SQS::Queue" && new RegExp(`^${id}[0-9A-F]{8}`).test(logicalId),
  )!.ref;

const expected = orders.map(({ n }) => n).filter((n) => n !== KILLER && n !== POISON);
const sorted = (numbers: readonly number[]) => numbers.toSorted((x, y) => x - y);

describe("messages of queues, while workers are killed, batches repeated and sinks fail", () => {
  test("it went as it was meant to", () => {
    const { killWorker, repeatBatch, failSinkPartly } = stack.injected();
    for (const count of [killWorker, repeatBatch, failSinkPartly]) expect(count).toBeGreaterThan(0);
  });

  test("each order is handed on under one id, though its producer sent it twice, and none is lost", async () => {
    const rows = await recordsOf(stack, stack.outputs["SinkHandedOnStream"]!)();
    const byId = new Map(rows.map(({ id, row }) => [id, (JSON.parse(row) as Order).n]));
    for (const { id, row } of rows) expect(byId.get(id)).toBe((JSON.parse(row) as Order).n);
    expect(sorted([...byId.values()])).toEqual(expected);
    expect(rows.length).toBeGreaterThan(byId.size);
  });

  test("FIFO: each once, and those of a shop in their order", async () => {
    const came = await messagesOf(stack, stack.outputs["SinkOrderedQueueUrl"]!);
    const numbers = came.map(({ body }) => JSON.parse(body) as Order);
    expect(sorted(numbers.map(({ n }) => n))).toEqual(expected);
    for (const shop of SHOPS) {
      const own = numbers.filter((order) => order.shop === shop).map(({ n }) => n);
      expect(own).toEqual(sorted(own));
    }
  });

  test("objects: each line under one id, though an object was put twice and told of twice, and none is lost", async () => {
    const came = await messagesOf(stack, stack.outputs["SinkLoadedQueueUrl"]!);
    const byId = new Map(came.map(({ body, attributes }) => [attributes["output_id"]!, (JSON.parse(body) as Order).n]));
    for (const { body, attributes } of came)
      expect(byId.get(attributes["output_id"]!)).toBe((JSON.parse(body) as Order).n);
    expect(sorted([...byId.values()])).toEqual(expected);
    expect(came.length).toBeGreaterThan(byId.size);
  });

  test("X7: what ends the process is a dead letter, unseen, and so is what is no order; nothing is set aside with them", async () => {
    for (const id of ["PlainAside", "GroupedAside"]) expect(await messagesOf(stack, urlOf(id))).toEqual([]);
    const bodies = await messagesOf(stack, stack.outputs["DeadLetterQueueUrl"]!);
    const letters = bodies.map(({ body }) => JSON.parse(body) as DeadLetter);
    const reasonOf = ({ payload, reason, stage }: DeadLetter) =>
      `${stage}: ${Buffer.from(payload!, "base64").toString().slice(0, 7)} ${reason.code}`;
    const [killer, poison] = [`{"id":" process/killed`, "no JSON json/syntax"];
    expect(new Set(letters.map(reasonOf))).toEqual(
      new Set(["plain", "grouped", "archive"].flatMap((name) => [`${name}: ${killer}`, `${name}: ${poison}`])),
    );
    const killed = letters.filter(({ reason }) => reason.code === "process/killed");
    for (const { payload } of killed) expect(Buffer.from(payload!, "base64").toString()).toContain(`"n":${KILLER}`);
  });
});
