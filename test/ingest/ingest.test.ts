import { KinesisClient } from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import fc from "fast-check";
import { kinesis } from "millrace";
import { afterAll, beforeAll, beforeEach, describe, expect, test } from "vitest";
import { z } from "zod";
import { Ingest, type EventResult, type IngestSettings } from "../../lib/connectors/http-ingest/ingest.ts";
import { kinesisDecoder } from "../../lib/connectors/kinesis/decode.ts";
import { StreamReader } from "./stream-reader.ts";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";

const schema = z.object({
  shop: z.string(),
  cents: z.int().optional(),
  at: z.number(),
  request: z.string().optional(),
});
const orders = kinesis("orders", {
  schema,
  key: { shop: (order) => order.shop },
  eventTime: (order) => order.at,
  disorder: {},
});
const NOW = 1_700_000_000_000;

let temporary: TemporaryStack;
let client: KinesisClient;
let reader: StreamReader;
let answers: ((
  send: () => Promise<object>,
  input: { Records: readonly { PartitionKey: string }[] },
) => Promise<object>)[] = [];
beforeAll(async () => {
  const Properties = { Name: "orders", ShardCount: 2 };
  temporary = await temporaryStack({ Resources: { Orders: { Type: "AWS::Kinesis::Stream", Properties } } });
  client = new KinesisClient({
    endpoint: temporary.stack.endpoints.kinesis,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    requestHandler: new NodeHttpHandler(),
    maxAttempts: 1,
  });
  reader = new StreamReader(client, "orders");
}, 60_000);
afterAll(async () => {
  client?.destroy();
  await temporary?.remove();
});
beforeEach(async () => {
  answers = [];
  await put();
});

/** The client, whose next puts are answered otherwise. */
const wayward = () =>
  ({
    send: (command: { readonly input: { Records: readonly { PartitionKey: string }[] } }) => {
      const send = () => client.send(command as never) as Promise<object>;
      return (answers.shift() ?? ((go) => go()))(send, command.input);
    },
  }) as unknown as KinesisClient;

function ingest(settings: Partial<IngestSettings> = {}) {
  let ids = 0;
  const made = new Ingest({
    source: orders,
    client: wayward(),
    stream: "orders",
    wait: () => Promise.resolve(),
    patience: 1_000,
    idempotencyField: undefined,
    maxBytes: 100_000,
    maxEvents: 50,
    now: () => NOW,
    newId: () => `id ${ids++}`,
    ...settings,
  });
  return (body: unknown, headers: Readonly<Record<string, string>> = {}, method = "POST") =>
    made.handle({
      method,
      headers: { "content-type": "application/json", ...headers },
      body: Buffer.from(typeof body === "string" ? body : JSON.stringify(body)),
    });
}

/** What lies in the stream since the last time. */
const put = () => reader.read();

const resultsOf = ({ body }: { readonly body: object }) => (body as { results: readonly EventResult[] }).results;
const order = (shop: string, cents?: number) => ({ shop, at: 1, ...(cents !== undefined && { cents }) });

describe("what is taken", () => {
  test("one event is put as it came, under its key; the answer says where it lies", async () => {
    const text = '{ "shop": "é",\n "at": 1.0 }';
    const answer = await ingest()(text);
    const [lying, ...others] = await put();
    expect(answer).toMatchObject({
      status: 202,
      body: { accepted: 1, results: [{ index: 0, status: 202, id: lying!.id }] },
    });
    expect(lying).toMatchObject({ key: "é", text });
    expect(others).toEqual([]);
  });

  test.each([
    ["an array", (events: object[]) => [JSON.stringify(events), "application/json"]],
    [
      "NDJSON",
      (events: object[]) => [
        `\r\n${events.map((one) => `${JSON.stringify(one)} \r\n`).join("\n")}`,
        "application/x-ndjson; charset=UTF-8",
      ],
    ],
  ])("events of %s are put, those of a key in their order, each told where it lies", async (_what, write) => {
    const events = Array.from({ length: 30 }, (_, n) => order(`shop ${n % 4}`, n));
    const [body, type] = write(events) as [string, string];
    const answer = await ingest()(body, { "content-type": type });
    expect(answer.status).toBe(202);
    const lying = await put();
    const byId = new Map(lying.map((one) => [one.id, one]));
    resultsOf(answer).forEach(({ id, index }) => expect(JSON.parse(byId.get(id!)!.text)).toEqual(events[index]));
    for (let shop = 0; shop < 4; shop++) {
      const own = lying
        .filter(({ key }) => key === `shop ${shop}`)
        .map(({ text }) => (JSON.parse(text) as { cents: number }).cents);
      expect(own).toEqual(own.toSorted((a, b) => a - b));
    }
  });

  test("whoever reads takes what was accepted, and would have refused what was not", async () => {
    const decode = kinesisDecoder(orders);
    const text = fc.oneof(
      fc.string({ unit: "grapheme", maxLength: 5 }),
      fc.constant("\ud800"),
      fc.constant("x".repeat(300)),
    );
    const event = fc.record(
      {
        shop: fc.oneof(text, fc.integer()),
        cents: fc.oneof(fc.integer(), fc.double()),
        at: fc.oneof(fc.integer(), fc.double(), fc.constant(1e18)),
      },
      { requiredKeys: [] },
    );
    await fc.assert(
      fc.asyncProperty(fc.array(event, { minLength: 1, maxLength: 8 }), async (events) => {
        const answer = await ingest()(events);
        const lying = new Map((await put()).map((one) => [one.id, one]));
        for (const { index, status, id } of resultsOf(answer)) {
          const json = JSON.stringify(events[index]);
          const read = (key: string | undefined) =>
            decode({
              position: { sequence: "1", index: 0 },
              arrival: NOW,
              partitionKey: key,
              base64: Buffer.from(json).toString("base64"),
            });
          if (status === 202) expect(() => read(lying.get(id!)!.key)).not.toThrow();
          else {
            const { error } = resultsOf(answer)[index]!;
            if (error!.code !== "ingest/key") expect(() => read(undefined)).toThrow();
          }
        }
        expect(lying.size).toBe(resultsOf(answer).filter(({ status }) => status === 202).length);
      }),
      { numRuns: 40 },
    );
  });

  test("events of a source without a key are spread", async () => {
    const source = kinesis("orders", { schema, eventTime: () => 0, disorder: {} });
    await ingest({ source })([order("a"), order("a")]);
    expect((await put()).map(({ key }) => key).toSorted()).toEqual(["id 0", "id 1"]);
  });
});

describe("what is not", () => {
  test("bad events are told by index and field, and the others are taken", async () => {
    const answer = await ingest()([
      order("a"),
      { shop: 1, at: "x" },
      5,
      order("b"),
      { ...order("c"), at: NOW + 3_600_001 },
    ]);
    expect(answer.status).toBe(207);
    expect(resultsOf(answer)).toMatchObject([
      { index: 0, status: 202 },
      { index: 1, status: 400, error: { code: "schema/mismatch", fields: [{ field: "shop" }, { field: "at" }] } },
      { index: 2, status: 400, error: { code: "schema/mismatch", fields: [{ field: "" }] } },
      { index: 3, status: 202 },
      { index: 4, status: 400, error: { code: "time/future" } },
    ]);
    expect((await put()).map(({ key }) => key).toSorted()).toEqual(["a", "b"]);
  });

  test("a bad event alone, or none but bad ones, is a bad request", async () => {
    expect(await ingest()({ shop: "a" })).toMatchObject({
      status: 400,
      body: { accepted: 0, results: [{ error: { fields: [{ field: "at" }] } }] },
    });
    expect((await ingest()([1, 2])).status).toBe(400);
    expect(await put()).toEqual([]);
  });

  test.each<[string, string, Readonly<Record<string, string>>, string, number, string]>([
    ["no POST", "{}", {}, "GET", 405, "ingest/method"],
    ["no JSON", "{", {}, "POST", 400, "json/syntax"],
    ["nothing", "", {}, "POST", 400, "json/syntax"],
    ["an empty array", "[]", {}, "POST", 400, "ingest/empty"],
    ["empty lines", "\n \n", { "content-type": "application/x-ndjson" }, "POST", 400, "ingest/empty"],
    ["nested too deep", `${"[".repeat(300)}${"]".repeat(300)}`, {}, "POST", 400, "json/depth"],
    ["a key __proto__", '{"__proto__":{}}', {}, "POST", 400, "json/forbidden-key"],
    ["text", "a", { "content-type": "text/plain" }, "POST", 415, "ingest/content-type"],
    [
      "another character set",
      "{}",
      { "content-type": "application/json; charset=latin1" },
      "POST",
      415,
      "ingest/content-type",
    ],
    ["compressed", "{}", { "content-encoding": "gzip" }, "POST", 415, "ingest/content-type"],
    ["too many bytes", `"${"x".repeat(100_000)}"`, {}, "POST", 413, "ingest/too-large"],
    ["too many events", JSON.stringify(Array(51).fill(1)), {}, "POST", 413, "ingest/too-many"],
  ])("%s is refused", async (_what, body, headers, method, status, code) => {
    expect(await ingest()(body, headers, method)).toMatchObject({ status, body: { error: { code } } });
    expect(await put()).toEqual([]);
  });

  test("limits at their borders", async () => {
    const text = JSON.stringify(order("a"));
    expect((await ingest({ maxBytes: text.length })(text)).status).toBe(202);
    expect((await ingest({ maxBytes: text.length - 1 })(text)).status).toBe(413);
    expect((await ingest()(Array(50).fill(order("a")))).status).toBe(202);
    const large = (bytes: number) => {
      const event = { ...order("a"), pad: "" };
      return { ...event, pad: "x".repeat(bytes - JSON.stringify(event).length - 1) };
    };
    const loose = ingest({ maxBytes: 4 * 1_024 * 1_024 });
    expect((await loose(large(1_024 * 1_024))).status).toBe(202);
    expect((await loose([large(1_024 * 1_024 + 1), order("b")])).status).toBe(207);
    expect((await ingest()(order("x".repeat(257)))).body).toMatchObject({
      results: [{ error: { code: "ingest/key" } }],
    });
    expect((await ingest()(order(""))).body).toMatchObject({ results: [{ error: { code: "ingest/key" } }] });
  });

  test("what user code throws is not told to who sent it", async () => {
    const eventTime = () => {
      throw new Error("secret of ours");
    };
    const answer = await ingest({ source: kinesis("orders", { schema, eventTime, disorder: {} }) })(order("a"));
    expect(answer).toMatchObject({ status: 400, body: { results: [{ error: { code: "ingest/event" } }] } });
    expect(JSON.stringify(answer.body)).not.toContain("secret");
  });
});

describe("a stream without room", () => {
  const throttled = async () => {
    throw Object.assign(new Error("Slow down."), { name: "ProvisionedThroughputExceededException" });
  };

  test("is tried for a second, and then the events are to be sent again later", async () => {
    let requests = 0;
    answers = Array(20).fill(() => (requests++, throttled())) as typeof answers;
    const answer = await ingest()([order("a"), order("b")]);
    expect(answer).toMatchObject({ status: 429, headers: { "retry-after": "1" }, body: { accepted: 0 } });
    expect(requests).toBe(5);
    expect(await put()).toEqual([]);
    answers = [throttled, throttled];
    expect((await ingest()(order("a"))).status).toBe(202);
  });

  test("in part: what had no room is told, and nothing of its key has overtaken it", async () => {
    const leaves: (typeof answers)[number] = async (send, input) => {
      const kept = input.Records.filter(({ PartitionKey }) => PartitionKey !== "a");
      const left = input.Records.map(({ PartitionKey }) => PartitionKey === "a");
      input.Records = kept;
      const { Records: taken } =
        kept.length === 0 ? { Records: [] } : ((await send()) as { Records: readonly object[] });
      let next = 0;
      return {
        Records: left.map((is) => (is ? { ErrorCode: "ProvisionedThroughputExceededException" } : taken[next++])),
      };
    };
    answers = Array(50).fill(leaves) as typeof answers;
    const answer = await ingest()([order("a", 1), order("b", 2), order("a", 3), order("b", 4)]);
    expect(answer).toMatchObject({ status: 207, headers: { "retry-after": "1" } });
    expect(resultsOf(answer).map(({ status }) => status)).toEqual([429, 202, 429, 202]);
    expect((await put()).map(({ text }) => (JSON.parse(text) as { cents: number }).cents)).toEqual([2, 4]);
  });

  test("an answer that was lost is told as such, and nothing is put after it", async () => {
    answers = [
      async (send) => {
        await send();
        throw new Error("socket hang up");
      },
    ];
    const answer = await ingest()([order("a", 1), order("b", 2), order("a", 3)]);
    expect(resultsOf(answer).map(({ status }) => status)).toEqual([503, 503, 429]);
    expect(await put()).toHaveLength(2);
  });
});

describe("an idempotency-key", () => {
  const key = { "idempotency-key": "request 1" };

  test("is written into the field that is said, for the pipeline to see repeats by, and echoed only then", async () => {
    const keeping = ingest({ idempotencyField: "request" });
    expect((await keeping(order("a"), key)).headers).toMatchObject(key);
    await keeping([order("b"), order("c")], key);
    const fields = (await put()).map(({ text }) => (JSON.parse(text) as { request: string }).request);
    expect(fields.toSorted()).toEqual(["request 1", "request 1#0", "request 1#1"]);
    expect((await ingest()(order("a"), key)).headers).not.toHaveProperty("idempotency-key");
    expect((await put()).map(({ text }) => text)).toEqual([JSON.stringify(order("a"))]);
  });

  test("is refused where the event says another, or when it is too long", async () => {
    const keeping = ingest({ idempotencyField: "request" });
    expect(await keeping({ ...order("a"), request: "other" }, key)).toMatchObject({
      status: 400,
      body: { results: [{ error: { code: "ingest/idempotency-key", fields: [{ field: "request" }] } }] },
    });
    expect((await keeping({ ...order("a"), request: "request 1" }, key)).status).toBe(202);
    expect((await keeping(order("a"), { "idempotency-key": "x".repeat(201) })).status).toBe(400);
  });
});
