import { randomBytes } from "node:crypto";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { gzipSync } from "node:zlib";
import { PutObjectCommand, S3Client } from "@aws-sdk/client-s3";
import { ReceiveMessageCommand, SQSClient } from "@aws-sdk/client-sqs";
import { parquetWriteBuffer } from "hyparquet-writer";
import { Producer } from "millrace/producer";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { objectsIn } from "../../lib/connectors/s3/notification.ts";
import { nodesOf } from "../../lib/pipeline/topology.ts";
import { Progress } from "../../tools/replay/progress.ts";
import { replay, type ReplaySettings } from "../../tools/replay/replay.ts";
import { tell } from "../../tools/replay/tell.ts";
import { Live } from "../end-to-end/live.ts";
import replayed, { orders } from "./orders/pipeline.ts";

const SHOPS = ["a", "b", "c"];
const HOUR = 3_600_000;
const T0 = Date.UTC(2001, 0, 1);
const [OBJECTS, EVENTS] = [4, 700];
const place = { bucket: "", prefix: "orders/", suffix: "" };

interface Order {
  readonly id: string;
  readonly shop: string;
  readonly n: number;
  readonly at: number;
}
/** An hour's orders. */
const hourOf = (hour: number): readonly Order[] =>
  Array.from({ length: EVENTS }, (_, i) => {
    const n = hour * EVENTS + i;
    return { id: `o-${n}`, shop: SHOPS[n % 3]!, n, at: T0 + hour * HOUR + i };
  });

const lines = (events: readonly unknown[]) => events.map((event) => JSON.stringify(event)).join("\n");

function parquet(events: readonly Order[], ids: readonly string[]): Buffer {
  const column = (name: keyof Order, type: "STRING" | "INT64") => ({
    name,
    type,
    data: events.map((event) => (type === "INT64" ? BigInt(event[name]) : event[name])),
  });
  const at = { name: "at", type: "TIMESTAMP" as const, data: events.map((event) => new Date(event.at)) };
  const outputId = { name: "output_id", type: "STRING" as const, data: [...ids] };
  const columnData = [column("id", "STRING"), column("shop", "STRING"), column("n", "INT64"), at, outputId];
  return Buffer.from(parquetWriteBuffer({ columnData, rowGroupSize: 200 }));
}

let live: Live;
let directory: string;
let s3: S3Client;
const refused: string[] = [];
let producer: Producer<Order>;

const progressIn = (file: string) => new Progress(join(directory, file), "test");

const settings = (own: Partial<ReplaySettings>): ReplaySettings => ({
  s3,
  place: { ...place, bucket: live.stack.outputs["StateBucket"]! },
  source: nodesOf(replayed, "source")[0]!.source,
  lake: undefined,
  taker: { send: (event) => producer.send(event as Order), flush: () => producer.flush() },
  progress: undefined,
  rate: Infinity,
  isInterrupted: () => false,
  now: Date.now,
  sleep: () => Promise.resolve(),
  refused: (key, index) => refused.push(`${key} ${index}`),
  told: () => undefined,
  ...own,
});

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), "millrace-replay-"));
  live = await Live.start(replayed, "test/replay/orders/handler.ts", { props: { stream: { shards: 2 } } });
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  s3 = new S3Client({ region: "us-east-1", credentials, endpoint: live.stack.endpoints.s3, forcePathStyle: true });
  producer = new Producer(orders, {
    transport: live.deployment.transport,
    now: Date.now,
    random: Math.random,
    schedule: (millis, callback) => void setTimeout(callback, millis),
    newKey: () => randomBytes(9).toString("base64url"),
  });
  const Bucket = live.stack.outputs["StateBucket"]!; // any will do
  const put = (Key: string, Body: Buffer | string) => s3.send(new PutObjectCommand({ Bucket, Key, Body }));
  const second = hourOf(1);
  await put("orders/2001-01-01T00.jsonl", lines(hourOf(0)));
  await put(
    "orders/2001-01-01T01.parquet",
    parquet(
      [...second, ...second.slice(-50)],
      [...second, ...second.slice(-50)].map(({ id }) => `row ${id}`),
    ),
  );
  await put("orders/2001-01-01T02.jsonl.gz", gzipSync(lines(hourOf(2))));
  await put("orders/2001-01-01T03.jsonl", `${lines(hourOf(3))}\nno JSON\n{"id":1}`);
}, 120_000);
afterAll(async () => {
  await producer.close();
  s3.destroy();
  await live.stop();
  rmSync(directory, { recursive: true });
});

describe("archived events through a stream, by a pipeline with state", () => {
  test("a look sends nothing, and says what would be refused and how late events would be", async () => {
    const result = await replay(settings({ taker: undefined }));
    expect(result).toEqual({ objects: OBJECTS, events: OBJECTS * EVENTS, repeats: 50, refused: 2, disorder: 0 });
    expect(refused.splice(0)).toEqual(["orders/2001-01-01T03.jsonl 700", "orders/2001-01-01T03.jsonl 701"]);
    const backwards = { ...nodesOf(replayed, "source")[0]!.source, eventTime: ({ n }: Order) => -n };
    const { disorder } = await replay(settings({ taker: undefined, source: backwards }));
    expect(disorder).toBe(OBJECTS * EVENTS - 1);
    refused.length = 0;
    const at13 = ({ n }: Order) => {
      if (n === 13) throw new TypeError("no such field");
      return n;
    };
    for (const broken of [{ eventTime: at13 }, { key: { shop: at13 } }]) {
      const source = { ...nodesOf(replayed, "source")[0]!.source, ...broken } as ReplaySettings["source"];
      expect(await replay(settings({ taker: undefined, source }))).toMatchObject({ refused: 3 });
      expect(refused.splice(0)).toContain("orders/2001-01-01T00.jsonl 13");
    }
  });

  test("interrupted, and begun again from a note that is old: windows are exact, each shop's orders in their order", async () => {
    const file = "interrupted.json";
    let notes = 0;
    const first = await replay(settings({ progress: progressIn(file), isInterrupted: () => ++notes === 2 }));
    expect(first).toMatchObject({ objects: 2 });
    const noted = progressIn(file).place!;
    expect(noted.key).toBe("orders/2001-01-01T01.parquet");
    progressIn(file).note({ key: noted.key, index: noted.index - 150 }); // what a process notes that ends at once
    const second = await replay(settings({ progress: progressIn(file) }));
    // Of the second object what came after the old note, its repeats among it; then the two that are left.
    expect(first.events).toBe(2 * EVENTS);
    expect(second).toMatchObject({ objects: 3, events: 100 + 2 * EVENTS, repeats: 50 });
    expect(progressIn(file).isDone).toBe(true);
    await live.committed(60);
    await live.drain();
    const windows = await live.rows("hourly");
    const counts = windows.map(({ shop, windowStart, window_start: start, orders: n }) => [
      shop,
      start ?? windowStart,
      Number(n),
    ]);
    expect(counts).toHaveLength(OBJECTS * SHOPS.length);
    expect(counts.reduce((sum, [, , n]) => sum + (n as number), 0)).toBe(OBJECTS * EVENTS);
    for (const [, , n] of counts) expect(Math.abs((n as number) - EVENTS / 3)).toBeLessThan(1);
    const rows = (await live.rows("in_order")).map((row) => ({ ...row, place: placeOf(String(row["output_id"])) }));
    for (const shop of SHOPS) {
      const own = (rows as unknown as { shop: string; n: string; place: number }[]).filter((row) => row.shop === shop);
      const came = own.toSorted((a, b) => a.place - b.place).map(({ n }) => Number(n));
      expect(came).toEqual(came.toSorted((a, b) => a - b));
      expect(new Set(came).size).toBe(came.length);
    }
    expect(await live.deadLetters()).toEqual(new Map());
  }, 120_000);

  test("what ends the producer ends the replay, and no note is made of what was not taken", async () => {
    const down = { send: () => Promise.reject(new Error("down")), flush: () => Promise.resolve() };
    await expect(replay(settings({ progress: progressIn("down.json"), taker: down }))).rejects.toThrow("down");
    expect(progressIn("down.json").place).toBeUndefined();
  });

  test("a note of another replay is refused", () => {
    progressIn("other.json").note({ key: "k", index: 1 });
    expect(() => new Progress(join(directory, "other.json"), "another")).toThrow(/is of another replay \(test\)/);
  });
});

test("an s3Objects source is told of all objects, and after an interruption of the rest", async () => {
  const QueueUrl = live.deployment.source.bindings.deadLetterQueueUrl; // any will do
  const credentials = { accessKeyId: "local", secretAccessKey: "local" };
  const sqs = new SQSClient({ region: "us-east-1", credentials, endpoint: live.stack.endpoints.sqs });
  const own = { ...settings({}), queueUrl: QueueUrl, sqs, wait: () => Promise.resolve() };
  const keys = async () => {
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    return Messages.flatMap(({ Body }) => objectsIn(Body!).map(({ key, etag }) => (etag === undefined ? "" : key)));
  };
  expect(await tell({ ...own, progress: progressIn("told.json") })).toBe(OBJECTS);
  expect((await keys()).toSorted()).toEqual(
    ["0.jsonl", "1.parquet", "2.jsonl.gz", "3.jsonl"].map((name) => `orders/2001-01-01T0${name}`),
  );
  progressIn("rest.json").note({ key: "orders/2001-01-01T02.jsonl.gz", index: 1 });
  expect(await tell({ ...own, progress: progressIn("rest.json") })).toBe(1);
  expect(await keys()).toEqual(["orders/2001-01-01T03.jsonl"]);
  sqs.destroy();
});

/** Where a row is in its shard's order. */
function placeOf(outputId: string): number {
  const [epoch, n] = outputId
    .slice(outputId.lastIndexOf("@") + 1)
    .split("#")
    .map(Number);
  return epoch! * 1e6 + n!;
}
