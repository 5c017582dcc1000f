import { FirehoseClient } from "@aws-sdk/client-firehose";
import { SQSClient } from "@aws-sdk/client-sqs";
import { MemoryObjects } from "millrace/testing";
import fc from "fast-check";
import { bigint, day, lake, timestamp } from "millrace";
import { describe, expect, test } from "vitest";
import { FirehoseWriter } from "../../lib/connectors/firehose/deliver.ts";
import { DeadLetterWriter } from "../../lib/connectors/sqs/dead-letters.ts";
import { TickWriter } from "../../lib/connectors/sqs/ticks.ts";

/** A client whose requests are answered here: what an emulator cannot be made to answer on cue. */
function answering<I, C extends object>(client: C, answer: (input: I, request: number) => object): C {
  let request = 0;
  return Object.assign(client, {
    send: ({ input }: { readonly input: I }) => Promise.resolve({ $metadata: {}, ...answer(input, request++) }),
  });
}

interface PutInput {
  readonly Records: readonly { readonly Data: Uint8Array }[];
}
interface SendInput {
  readonly Entries: readonly { readonly MessageBody: string; readonly DelaySeconds?: number }[];
}

const wait = () => Promise.resolve();
const region = { region: "us-east-1" };
const text = ({ Data }: { readonly Data: Uint8Array }) => Buffer.from(Data).toString();
const row = (id: string, bytes: number) => ({ id, body: JSON.stringify({ text: "x".repeat(bytes) }) });

describe("Firehose", () => {
  const writer = (answer: (input: PutInput, request: number) => object, waits: number[] = []) =>
    new FirehoseWriter({
      client: answering<PutInput, FirehoseClient>(new FirehoseClient(region), answer),
      lake: { eventDates: undefined, table: "files" },
      deliveryStream: "s",
      wait: (millis) => Promise.resolve(void waits.push(millis)),
    });

  test("records that a request leaves out are put again, and only those, after a growing wait", async () => {
    const waits: number[] = [];
    const taken: string[] = [];
    // Of every request the odd records fail.
    const flaky = writer(({ Records }) => {
      taken.push(...Records.filter((_, i) => i % 2 === 0).map(text));
      const RequestResponses = Records.map((_, i) =>
        i % 2 === 0 ? { RecordId: "r" } : { ErrorCode: "ServiceUnavailableException" },
      );
      return { FailedPutCount: RequestResponses.filter((one) => "ErrorCode" in one).length, RequestResponses };
    }, waits);
    const rows = Array.from({ length: 8 }, (_, i) => row(`t@1#${i}`, 400_000));
    await flaky.deliver(rows);
    const ids = taken
      .flatMap((record) => record.trimEnd().split("\n"))
      .map((line) => (JSON.parse(line) as { output_id: string }).output_id);
    expect(ids.toSorted()).toEqual(rows.map(({ id }) => id));
    expect(waits).toEqual(waits.toSorted((a, b) => a - b));
    expect(waits.length).toBeGreaterThan(0);
  });

  test("rows are made as they are put: of very many no more than a request's are held beside the outputs", async () => {
    let [asked, most, taken] = [0, 0, 0];
    const rows = Array.from({ length: 40 }, (_, i) => ({
      id: `t@1#${i}`,
      get body() {
        asked++;
        return row("", 900_000).body;
      },
    }));
    const lines = ({ Records }: PutInput) => Records.map(text).join("").trimEnd().split("\n").length;
    await writer((put) => {
      most = Math.max(most, asked - taken);
      taken += lines(put);
      return { FailedPutCount: 0 };
    }).deliver(rows);
    expect(taken).toBe(rows.length);
    expect(most).toBeLessThan(10);
  });

  test("a row that cannot be made is met once others are put: these are not put again", async () => {
    const sales = lake("sales", { at: timestamp }, { partitionBy: day("at", { from: "2001-01-01" }) });
    let taken = 0;
    const byDay = new FirehoseWriter({
      client: answering<PutInput, FirehoseClient>(new FirehoseClient(region), ({ Records }) => {
        taken += Records.map(text).join("").trimEnd().split("\n").length;
        return { FailedPutCount: 0 };
      }),
      lake: sales,
      deliveryStream: "s",
      wait: () => Promise.resolve(),
    });
    const bodies = Array.from({ length: 8 }, () => JSON.stringify({ at: 1e12, note: "x".repeat(900_000) }));
    const deliveries = [...bodies, '{"when":5}'].map((body, n) => ({ id: `t@1#${n}`, body }));
    const thrown = await byDay.deliver(deliveries).catch((cause: unknown) => cause);
    expect(thrown).toMatchObject({ count: taken, cause: { code: "lake/no-day" } });
    expect(taken).toBeGreaterThan(0);
    expect(taken).toBeLessThan(8);
  });

  test("X8: rows of a lake by day say their day, at most 500 in a record, as Firehose takes no more apart", async () => {
    const sales = lake("sales", { at: timestamp }, { partitionBy: day("at", { from: "2001-01-01" }) });
    const taken: string[] = [];
    const byDay = new FirehoseWriter({
      client: answering<PutInput, FirehoseClient>(new FirehoseClient(region), ({ Records }) => {
        taken.push(...Records.map(text));
        return { FailedPutCount: 0 };
      }),
      lake: sales,
      deliveryStream: "s",
      wait: () => Promise.resolve(),
    });
    const at = Date.parse("2001-02-03T04:05:06Z");
    await byDay.deliver(
      Array.from({ length: 1_001 }, (_, n) => ({ id: `t@1#${n}`, body: sales.encode({ at } as never) })),
    );
    const records = taken.map((record) => record.trimEnd().split("\n"));
    expect(records.map(({ length }) => length)).toEqual([500, 500, 1]);
    expect(JSON.parse(records[0]![0]!)).toEqual({ output_id: "t@1#0", event_date: "2001-02-03", at });
  });

  test("X8: rows of a lake of Iceberg come one to a record, with their id, and times in microseconds", async () => {
    const sales = lake("sales", { at: timestamp }, { table: "iceberg" });
    const requests: string[][] = [];
    const iceberg = new FirehoseWriter({
      client: answering<PutInput, FirehoseClient>(new FirehoseClient(region), ({ Records }) => {
        requests.push(Records.map(text));
        return { FailedPutCount: 0 };
      }),
      lake: sales,
      deliveryStream: "s",
      wait: () => Promise.resolve(),
    });
    const at = Date.parse("2001-02-03T04:05:06.789Z");
    await iceberg.deliver(
      Array.from({ length: 501 }, (_, n) => ({ id: `t@1#${n}`, body: sales.encode({ at } as never) })),
    );
    expect(requests.map(({ length }) => length)).toEqual([500, 1]);
    expect(requests[0]![1]).toBe(`{"output_id":"t@1#1","at":${at}000}`);
  });

  test("a row of Iceberg's comes back as it was, at every instant there is", () => {
    const sales = lake("sales", { at: timestamp, n: bigint }, { table: "iceberg" });
    const most = 8_640_000_000_000_000;
    const instant = fc.oneof(fc.integer({ min: -most, max: most }), fc.constantFrom(0, -0, 1, -1, 1000, most, -most));
    const number = fc.oneof(fc.maxSafeInteger(), fc.bigInt({ min: 2n ** 53n, max: 2n ** 63n - 1n }));
    fc.assert(
      fc.property(instant, number, (at, n) => {
        const body = sales.encode({ at, n } as never);
        expect(BigInt(/"at":(-?\d+)/.exec(body)![1]!)).toBe(BigInt(at) * 1_000n);
        expect(sales.decode(body)).toEqual({ at: at + 0, n });
      }),
    );
  });

  test("what keeps failing fails the delivery, and says why", async () => {
    let requests = 0;
    const down = writer(({ Records }) => {
      requests++;
      return {
        FailedPutCount: Records.length,
        RequestResponses: Records.map(() => ({ ErrorCode: "ServiceUnavailableException", ErrorMessage: "Slow down." })),
      };
    });
    await expect(down.deliver([row("t@1#0", 10)])).rejects.toMatchObject({
      count: 0,
      message: expect.stringContaining("Slow down.") as string,
      cause: { kind: "infrastructure", code: "firehose/put" },
    });
    expect(requests).toBe(10);
  });

  test("X5: a delivery that fails in the middle says how many rows are there, and tries none after them", async () => {
    const taken: string[] = [];
    // One row a record: each is longer than half of what a record holds.
    const rows = Array.from({ length: 12 }, (_, n) => row(`t@1#${n}`, 600_000));
    const sink = writer(({ Records }) => {
      const outcomes = Records.map(({ Data }) => {
        const id = /t@1#(\d+)/.exec(Buffer.from(Data).toString())![1]!;
        if (Number(id) === 8) return { ErrorCode: "ServiceUnavailableException" };
        taken.push(id);
        return {};
      });
      return { FailedPutCount: outcomes.filter(({ ErrorCode }) => ErrorCode).length, RequestResponses: outcomes };
    });
    const failure = await sink.deliver(rows).then(
      () => undefined,
      (thrown: unknown) => thrown,
    );
    expect(failure).toMatchObject({ count: 8 });
    expect(taken.slice(0, 8)).toEqual(["0", "1", "2", "3", "4", "5", "6", "7"]);
    expect(taken).not.toContain("8");
  });

  test("no request exceeds 500 records or 4 MiB, no record 1,000 KiB, and a row is never cut", async () => {
    const requests: PutInput[] = [];
    const sink = writer((input) => (requests.push(input), { FailedPutCount: 0 }));
    const rows = Array.from({ length: 60 }, (_, i) => row(`t@1#${i}`, 150_000 + i * 1_000));
    await sink.deliver(rows);
    for (const { Records } of requests) {
      expect(Records.length).toBeLessThanOrEqual(500);
      expect(Records.reduce((sum, { Data }) => sum + Data.length, 0)).toBeLessThanOrEqual(4 * 1_024 * 1_024);
      for (const { Data } of Records) expect(Data.length).toBeLessThanOrEqual(1_000 * 1_024);
    }
    const lines = requests.flatMap(({ Records }) => Records.flatMap((record) => text(record).trimEnd().split("\n")));
    expect(lines.map((line) => (JSON.parse(line) as { output_id: string }).output_id)).toEqual(
      rows.map(({ id }) => id),
    );
  });

  test("a row without any field has its id all the same", async () => {
    const requests: PutInput[] = [];
    await writer((input) => (requests.push(input), {})).deliver([{ id: 't"@1#0', body: "{}" }]);
    expect(requests.flatMap(({ Records }) => Records.map(text))).toEqual(['{"output_id":"t\\"@1#0"}\n']);
  });
});

describe("SQS", () => {
  test("a dead letter larger than a message lies on S3, and the message says where; the id is in both", async () => {
    const sent: string[] = [];
    const objects = new MemoryObjects();
    const client = answering<SendInput, SQSClient>(
      new SQSClient(region),
      ({ Entries }) => (sent.push(...Entries.map((one) => one.MessageBody)), {}),
    );
    const writer = new DeadLetterWriter({ client, queueUrl: "http://q", objects, bucket: "state", wait });
    const letter = (payload: string) =>
      JSON.stringify({ kind: "record", reason: { code: "c", message: "m" }, payload });
    await writer.deliver([
      { id: "t@1#0", body: letter("small") },
      { id: "t@1#1", body: letter("x".repeat(300_000)) },
    ]);
    const [small, large] = sent.map((body) => JSON.parse(body) as Record<string, unknown>);
    expect(small).toMatchObject({ id: "t@1#0", payload: "small" });
    expect(large).toEqual({
      id: "t@1#1",
      kind: "record",
      reason: { code: "c", message: "m" },
      whole: { bucket: "state", key: "dead-letters/t@1#1.json" },
    });
    expect(JSON.parse(Buffer.from(objects.objects.get("dead-letters/t@1#1.json")!).toString())).toMatchObject({
      id: "t@1#1",
      payload: "x".repeat(300_000),
    });
  });

  test("no request exceeds ten messages or 256 KiB", async () => {
    const requests: SendInput[] = [];
    const client = answering<SendInput, SQSClient>(new SQSClient(region), (input) => (requests.push(input), {}));
    const objects = new MemoryObjects();
    const writer = new DeadLetterWriter({ client, queueUrl: "http://q", objects, bucket: "b", wait });
    await writer.deliver(
      Array.from({ length: 37 }, (_, i) => ({
        id: `t@1#${i}`,
        body: JSON.stringify({ payload: "x".repeat(i * 3_000) }),
      })),
    );
    expect(requests.flatMap(({ Entries }) => Entries)).toHaveLength(37);
    for (const { Entries } of requests) {
      expect(Entries.length).toBeLessThanOrEqual(10);
      expect(Entries.reduce((sum, { MessageBody }) => sum + Buffer.byteLength(MessageBody), 0)).toBeLessThanOrEqual(
        256 * 1_024,
      );
    }
  });

  test("a message that is refused fails the delivery", async () => {
    const client = answering<SendInput, SQSClient>(new SQSClient(region), () => ({
      Failed: [{ Id: "0", SenderFault: false, Code: "InternalError" }],
    }));
    const objects = new MemoryObjects();
    const writer = new DeadLetterWriter({ client, queueUrl: "http://q", objects, bucket: "b", wait });
    await expect(writer.deliver([{ id: "t@1#0", body: "{}" }])).rejects.toMatchObject({
      count: 0,
      cause: { kind: "infrastructure", code: "sqs/send" },
    });
  });

  test("a tick is delayed until it is due, within what SQS can", async () => {
    const delays: (number | undefined)[] = [];
    const client = answering<SendInput, SQSClient>(
      new SQSClient(region),
      ({ Entries }) => (delays.push(...Entries.map((one) => one.DelaySeconds)), {}),
    );
    const ticks = new TickWriter({ client, queueUrl: "http://q", now: () => 1_000_000, wait });
    await ticks.deliver(
      [999_000, 1_000_001, 1_060_000, 9_000_000].map((at, i) => ({ id: `${i}`, body: JSON.stringify({ at }) })),
    );
    expect(delays).toEqual([0, 1, 60, 900]);
  });
});
