import { createHmac } from "node:crypto";
import { PutSecretValueCommand, SecretsManagerClient } from "@aws-sdk/client-secrets-manager";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import { text, webhook, type WebhookOptions } from "millrace";
import { afterAll, afterEach, beforeAll, describe, expect, test } from "vitest";
import { sinkWriter } from "../../lib/connectors/sink-connectors.ts";
import { retryAfter } from "../../lib/connectors/webhook/sink.ts";
import { problemOf } from "../../lib/connectors/webhook/url.ts";
import type { Address } from "../../lib/plan/bindings.ts";
import type { AwsSettings } from "../../lib/connectors/services.ts";
import type { Delivery, InterruptedDelivery } from "../../lib/runtime/sink-writer.ts";
import { temporaryStack, type TemporaryStack } from "../../localstack/testing/temporary-stack.ts";
import { HookServer, type Answer } from "./hook-server.ts";

let hooks: HookServer;
let temporary: TemporaryStack;
let secrets: SecretsManagerClient;
beforeAll(async () => {
  hooks = await HookServer.start();
  const secret = (SecretString: string) => ({ Type: "AWS::SecretsManager::Secret", Properties: { SecretString } });
  temporary = await temporaryStack({
    Resources: {
      Signing: secret(`whsec_${Buffer.from("a key of bytes").toString("base64")}`),
      Authorization: secret("Bearer first\n"),
      Url: secret(`${hooks.origin}/secret-path`),
      Elsewhere: secret("http://example.com/"),
    },
    Outputs: Object.fromEntries(
      ["Signing", "Authorization", "Url", "Elsewhere"].map((name) => [name, { Value: { Ref: name } }]),
    ),
  });
  secrets = new SecretsManagerClient(connection());
});
afterAll(async () => {
  secrets?.destroy();
  await temporary?.remove();
  await hooks?.stop();
});
afterEach(() => {
  hooks.answer = undefined;
  hooks.most = 0;
  hooks.taken();
});

const connection = () => ({
  endpoint: temporary.stack.endpoints.secretsmanager,
  region: "us-east-1",
  credentials: { accessKeyId: "local", secretAccessKey: "local" },
});
const arn = (name: string) => temporary.stack.outputs[name]!;

/** A clock that waiting moves, and nothing else. */
class Clock {
  time = 1_700_000_000_000;
  readonly waits: number[] = [];
  readonly now = () => this.time;
  readonly wait = async (millis: number) => {
    this.waits.push(millis);
    this.time += millis;
  };
}

async function writer(
  address: Address,
  { options = {}, clock = new Clock() }: { options?: WebhookOptions<{ shop: string }>; clock?: Clock } = {},
) {
  const aws = {
    of: <C>(Client: new (settings: AwsSettings) => C): C =>
      new Client({ ...connection(), requestHandler: new NodeHttpHandler(), maxAttempts: 1, forcePathStyle: true }),
  };
  const sink = webhook("closings", { shop: text }, options);
  return sinkWriter(
    sink,
    { url: `${hooks.origin}/rows`, millis: "30000", ...address },
    { aws, now: clock.now, wait: clock.wait },
  );
}

const rows = (count: number): Delivery[] =>
  Array.from({ length: count }, (_, n) => ({ id: `t@1#${n}`, body: `{"shop":"${n}"}` }));
const status =
  (code: number, headers: Record<string, string> = {}, body = ""): Answer =>
  (response) =>
    void response.writeHead(code, headers).end(body);
const failureOf = (delivery: Promise<unknown>) =>
  delivery.then(
    () => undefined,
    (thrown: unknown) => thrown as InterruptedDelivery,
  );

test("X8: a row is a request of its own, whose idempotency key is its id, at every attempt", async () => {
  const attempts: string[] = [];
  hooks.answer = (response, taken) => {
    attempts.push(taken.id);
    response.writeHead(attempts.length < 3 ? 503 : 200).end();
    if (attempts.length === 3) hooks.take(taken);
  };
  await (await writer({}, { options: { method: "PUT" } })).deliver(rows(1));
  expect(attempts).toEqual(["t@1#0", "t@1#0", "t@1#0"]);
  const [{ method, body, headers }] = hooks.taken() as [ReturnType<HookServer["taken"]>[number]];
  expect({ method, body, type: headers["content-type"], agent: headers["user-agent"] }).toEqual({
    method: "PUT",
    body: '{"shop":"0"}',
    type: "application/json",
    agent: "millrace",
  });
  expect(headers["webhook-signature"]).toBeUndefined();
  expect(headers["authorization"]).toBeUndefined();
});

describe("secrets", () => {
  test("a request is signed as Standard Webhooks has it, with a secret that is read while the function runs", async () => {
    const clock = new Clock();
    const address = { signingSecret: arn("Signing"), authorizationSecret: arn("Authorization") };
    await (await writer(address, { clock })).deliver(rows(1));
    const [{ headers, body }] = hooks.taken() as [ReturnType<HookServer["taken"]>[number]];
    const seconds = String(clock.time / 1_000);
    const expected = createHmac("sha256", "a key of bytes").update(`t@1#0.${seconds}.${body}`).digest("base64");
    expect(headers).toMatchObject({
      "webhook-id": "t@1#0",
      "webhook-timestamp": seconds,
      "webhook-signature": `v1,${expected}`,
      authorization: "Bearer first",
    });
  });

  test("one that was changed is noticed after five minutes, or at once when the endpoint does not accept it", async () => {
    const clock = new Clock();
    const sink = await writer({ authorizationSecret: arn("Authorization") }, { clock });
    const put = (SecretString: string) =>
      secrets.send(new PutSecretValueCommand({ SecretId: arn("Authorization"), SecretString }));
    const used = () => hooks.taken().map(({ headers }) => headers["authorization"]);
    await sink.deliver(rows(1));
    await put("Bearer second");
    clock.time += 299_000;
    await sink.deliver(rows(1));
    expect(used()).toEqual(["Bearer first", "Bearer first"]);
    clock.time += 1_001;
    await sink.deliver(rows(1));
    expect(used()).toEqual(["Bearer second"]);
    await put("Bearer third");
    hooks.answer = (response, taken) => {
      if (taken.headers["authorization"] !== "Bearer third") return void response.writeHead(401).end();
      hooks.take(taken);
      response.writeHead(200).end();
    };
    expect(await sink.deliver(rows(1))).toEqual([]);
    expect(used()).toEqual(["Bearer third"]);
    await put("Bearer first");
  });

  test("a URL can be one, and is checked when it is known", async () => {
    const of = (name: string) => {
      const address = { urlSecret: arn(name) } as Address;
      return writer({ ...address, url: undefined as never });
    };
    await (await of("Url")).deliver(rows(1));
    expect(hooks.taken()).toHaveLength(1);
    const failure = await failureOf((await of("Elsewhere")).deliver(rows(1)));
    expect(failure).toMatchObject({ count: 0, cause: { kind: "systemic", code: "webhook/url" } });
    expect(failure!.message).not.toContain("example.com");
  });

  test("one that cannot be read stops the delivery, and is asked for again", async () => {
    const failure = await failureOf((await writer({ signingSecret: "arn:none" })).deliver(rows(2)));
    expect(failure).toMatchObject({ count: 0, cause: { kind: "infrastructure", code: "webhook/secret" } });
    expect(hooks.taken()).toEqual([]);
  });
});

describe("answers", () => {
  test.each([400, 404, 409, 410, 413, 415, 422, 451])(
    "X7: %i is a refusal, told with the answer's beginning",
    async (code) => {
      hooks.answer = status(code, {}, `No\n  because ${"x".repeat(100_000)}`);
      const [refusal, ...others] = await (await writer({})).deliver(rows(1));
      expect(others).toEqual([]);
      expect(refusal!.message).toMatch(new RegExp(`answered ${code}: No because x+$`));
      expect(refusal!.message.length).toBeLessThan(600);
    },
  );

  test.each([301, 302, 307, 308, 401, 403, 408, 425, 429, 500, 502, 503, 504])(
    "%i is tried again until time is over, and fails the delivery",
    async (code) => {
      const clock = new Clock();
      const began = clock.time;
      hooks.answer = status(code, { location: `${hooks.origin}/elsewhere` });
      const failure = await failureOf((await writer({}, { clock })).deliver(rows(3)));
      expect(failure).toMatchObject({
        count: 0,
        refusals: [],
        cause: { kind: "infrastructure", code: "webhook/send" },
      });
      expect(failure!.message).toContain(String(code));
      expect(clock.time - began).toBeLessThan(30_000);
      expect(clock.time - began).toBeGreaterThan(25_000);
    },
  );

  test("a redirect is not followed: what an endpoint says is no address of ours", async () => {
    const paths: string[] = [];
    hooks.answer = (response, _taken, path) => {
      paths.push(path);
      response.writeHead(307, { location: `${hooks.origin}/inside` }).end();
    };
    await failureOf((await writer({})).deliver(rows(1)));
    expect(new Set(paths)).toEqual(new Set(["/rows"]));
  });

  test("statuses may mean something else", async () => {
    const options = { statuses: { taken: [409], later: [404], refused: [500] } };
    const answers = [404, 409, 500];
    hooks.answer = (response) => void response.writeHead(answers.shift()!).end();
    const refusals = await (await writer({}, { options: { ...options, concurrency: 1 } })).deliver(rows(2));
    expect(refusals.map(({ delivery }) => delivery.id)).toEqual(["t@1#1"]);
    expect(() => webhook("x", { shop: text }, { statuses: { taken: [700] } })).toThrow(/statuses.taken is 700/);
  });

  test.each([
    ["seconds", () => "7", 7_000],
    ["a date", (now: number) => new Date(now + 12_000).toUTCString(), 12_000],
  ])("Retry-After is respected: %s", async (_what, header, expected) => {
    const clock = new Clock();
    let requests = 0;
    hooks.answer = (response) =>
      void response.writeHead(requests++ === 0 ? 429 : 200, { "retry-after": header(clock.time) }).end();
    await (await writer({}, { clock })).deliver(rows(1));
    expect(clock.waits).toEqual([expected]);
  });

  test("Retry-After beyond the time that there is ends the delivery at once, with the exact count", async () => {
    const clock = new Clock();
    hooks.answer = (response, { id }) =>
      void (id === "t@1#5" ? response.writeHead(503, { "retry-after": "600" }) : response.writeHead(200)).end();
    const failure = await failureOf((await writer({}, { clock })).deliver(rows(9)));
    expect(failure).toMatchObject({ count: 5 });
    expect(clock.waits).toEqual([]);
  });

  test("what Retry-After can be", () => {
    expect(["0", "3", " 4 ", "soon", "", "-1", "1e3"].map((header) => retryAfter(header, 0))).toEqual([
      0,
      3_000,
      4_000,
      ...Array<undefined>(2).fill(undefined),
      expect.any(Number),
      undefined,
    ]);
    expect(retryAfter(null, 0)).toBeUndefined();
    expect(retryAfter(new Date(5_000).toUTCString(), 60_000)).toBe(0);
  });
});

test("a request that hangs is given up, and sent again", async () => {
  let requests = 0;
  hooks.answer = (response) => {
    if (requests++ > 0) response.writeHead(200).end();
  };
  expect(await (await writer({}, { options: { timeout: { millis: 50 } } })).deliver(rows(1))).toEqual([]);
  expect(requests).toBe(2);
});

test("no more requests are under way than said", async () => {
  hooks.answer = (response) => void setTimeout(() => response.writeHead(200).end(), 5);
  await (await writer({}, { options: { concurrency: 3 } })).deliver(rows(20));
  expect(hooks.most).toBe(3);
});

test("a delivery that takes too long stops by itself, and tells how far it was: who is killed cannot", async () => {
  const clock = new Clock();
  hooks.answer = (response) => {
    clock.time += 1_000;
    response.writeHead(200).end();
  };
  const failure = await failureOf((await writer({ millis: "10000" }, { clock })).deliver(rows(100)));
  expect(failure!.count).toBe(12); // three windows of four in ten seconds
  expect(failure!.message).toMatch(/took no more before the invocation's time was over/);
});

test.each([
  ["https://example.com/x?y=1", undefined],
  ["http://localhost:8080/", undefined],
  ["http://127.0.0.1/", undefined],
  ["http://[::1]:1/", undefined],
  ["http://example.com/", "not https"],
  ["http://localhost.example.com/", "not https"],
  ["http://127.0.0.1.nip.io/", "not https"],
  ["ftp://localhost/", "not https"],
  ["file:///etc/passwd", "not https"],
  ["https://user:secret@example.com/", "one with a user's name or password in it"],
  ["https://example.com/#a", "one with a fragment"],
  ["example.com", "no URL"],
  ["", "no URL"],
])("where rows are sent: %s", (url, problem) => {
  expect(problemOf(url)).toBe(problem);
});
