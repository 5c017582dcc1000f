import { Secret } from "aws-cdk-lib/aws-secretsmanager";
import { SecretValue, type Stack } from "aws-cdk-lib";
import { Subscription, SubscriptionProtocol, Topic } from "aws-cdk-lib/aws-sns";
import { Queue } from "aws-cdk-lib/aws-sqs";
import { partitionKeyOf } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { signatureHeaders } from "../../lib/connectors/webhook/signature.ts";
import { HookServer } from "../connectors/hook-server.ts";
import { messagesOf, recordsOf } from "../connectors/systems.ts";
import { Live, until } from "./live.ts";
import everywhere from "./sinks/pipeline.ts";

const SHOPS = ["a", "b", "c d", "é"];
const ORDERS = 240;
const T0 = Date.UTC(2024, 0, 1);
const SIGNING = "a secret of tests";

let live: Live;
let hooks: HookServer;
/** Every third request fails, before or after it was taken; one order is not liked. */
let requests = 0;
const REFUSED = 77;
beforeAll(async () => {
  hooks = await HookServer.start();
  hooks.answer = (response, taken) => {
    const fate = requests++ % 9;
    if (fate === 2) response.writeHead(503, { "retry-after": "0" }).end();
    else if (fate === 5) response.socket!.destroy();
    else if (orderOf(taken.body).n === REFUSED) response.writeHead(422).end("Not this one.");
    else {
      hooks.take(taken);
      if (fate === 8) response.socket!.destroy();
      else response.writeHead(204).end();
    }
  };
  live = await Live.start(everywhere, "test/end-to-end/sinks/handler.ts", {
    props: { mapping: { batchingWindow: { seconds: 0 }, batchSize: 12 }, stream: { shards: 2 } },
    beside: (stack) => ({
      webhooks: {
        hooks: {
          url: `${hooks.origin}/orders`,
          signing: new Secret(stack, "Signing", { secretStringValue: SecretValue.unsafePlainText(SIGNING) }),
        },
      },
      topics: { published: { existing: subscribedTopic(stack) } },
    }),
    faults: {
      seed: 7,
      killWorker: 0.25,
      repeatBatch: 0.1,
      cutBatch: 0.2,
      throttleTable: 0.02,
      loseTableAnswer: 0.02,
      throttleStream: 0.3,
      loseStreamAnswer: 0.05,
      failSink: 0.05,
      failSinkPartly: 0.3,
      repeatSink: 0.05,
      delaySink: 0,
      delayMillis: 0,
      earlyChild: 0,
    },
  });
}, 120_000);
afterAll(async () => {
  await live?.stop();
  await hooks?.stop();
});

/** With a queue that tells what was published. */
function subscribedTopic(stack: Stack): Topic {
  const topic = new Topic(stack, "Published", { fifo: true });
  const queue = new Queue(stack, "Subscribed", { fifo: true });
  new Subscription(stack, "Subscription", {
    topic,
    protocol: SubscriptionProtocol.SQS,
    endpoint: queue.queueArn,
    rawMessageDelivery: true,
  });
  return topic;
}

interface Order {
  readonly shop: string;
  readonly n: number;
}
const orderOf = (json: string): Order => {
  const { shop, n } = JSON.parse(json) as Order;
  return { shop, n };
};

/** What came somewhere: ids with what they are of, in the order in which they came. */
type Came = readonly (readonly [id: string, order: Order])[];

/** Nothing is lost; what is there twice is so under one id; and the order of a shop is that of its orders, where there is one. */
function whole(came: Came, keepsOrder: boolean, missing: readonly number[] = []): void {
  const byId = new Map<string, Order>();
  for (const [id, order] of came) {
    expect(byId.get(id) ?? order).toEqual(order);
    if (!byId.has(id)) byId.set(id, order);
  }
  const numbers = [...byId.values()].map(({ n }) => n);
  const expected = Array.from({ length: ORDERS }, (_, n) => n).filter((n) => !missing.includes(n));
  expect(numbers.toSorted((a, b) => a - b)).toEqual(expected);
  if (!keepsOrder) return;
  for (const shop of SHOPS) {
    const own = [...byId.values()].filter((order) => order.shop === shop).map(({ n }) => n);
    expect(own).toEqual(own.toSorted((a, b) => a - b));
  }
}

test("everything is sent everywhere, through killed workers, repeated and cut batches, throttles, lost answers and failing sinks", async () => {
  for (let from = 0; from < ORDERS; from += 40) {
    const some = Array.from({ length: 40 }, (_, i) => ({
      shop: SHOPS[(from + i) % 4]!,
      n: from + i,
      at: T0 + from + i,
    }));
    await live.put(...some.map((order) => [partitionKeyOf({ shop: order.shop }), order] as const));
  }
  await live.committed(150);
  live.stack.calm();
  const injected = live.stack.injected();
  for (const fault of ["killWorker", "repeatBatch", "failSinkPartly", "repeatSink", "throttleStream"] as const)
    expect(injected[fault], fault).toBeGreaterThan(0);
}, 180_000);

describe("X5, X8: nothing is lost, and what comes twice has the same id", () => {
  const messages = async (url: string): Promise<Came> =>
    (await messagesOf(live.stack, url)).map(
      ({ body, attributes }) => [attributes["output_id"]!, orderOf(body)] as const,
    );

  test("queue", async () => whole(await messages(live.stack.outputs["SinkAlertsQueueUrl"]!), false));

  test("queue with fifo: once, in the order of each shop", async () => {
    const came = await messages(live.stack.outputs["SinkOrderedQueueUrl"]!);
    whole(came, true);
    expect(came).toHaveLength(ORDERS);
  });

  test("topic with fifo: once, in the order of each shop", async () => {
    const subscribed = live.stack.resources.find(({ logicalId }) => logicalId.startsWith("Subscribed"))!;
    const came = await messages(subscribed.ref);
    whole(came, true);
    expect(came).toHaveLength(ORDERS);
  });

  test("stream: in the order of each shop", async () => {
    const name = live.stack.outputs["SinkEnrichedStream"]!;
    const rows = await recordsOf(live.stack, name)();
    whole(
      rows.map(({ id, row }) => [id, orderOf(row)] as const),
      true,
    );
  });

  test("event bus", async () => {
    const bus = live.stack.resources.find(({ type }) => type === "AWS::Events::EventBus")!;
    const put = live.stack.events(bus.ref);
    whole(
      put.map(({ detail }) => [detail["output_id"] as string, orderOf(JSON.stringify(detail))] as const),
      false,
    );
    expect(put[0]).toMatchObject({
      source: "com.example.shops",
      detailType: `Order of ${orderOf(JSON.stringify(put[0]!.detail)).shop}`,
    });
  });

  test("webhook: signed, in the order of each shop; and what is refused is a dead letter, once", async () => {
    const taken = hooks.taken();
    whole(
      taken.map(({ id, body }) => [id, orderOf(body)] as const),
      true,
      [REFUSED],
    );
    for (const { id, body, headers } of taken) {
      const now = Number(headers["webhook-timestamp"]) * 1_000;
      expect(headers).toMatchObject(signatureHeaders(SIGNING, { id, body, now }));
    }
    let letters = await live.deadLetters();
    await until("the dead letter is there", async () => (letters = await live.deadLetters()).size > 0);
    expect([...letters.values()]).toMatchObject([
      {
        kind: "output",
        operator: "hooks",
        reason: { code: "sink/refused", message: "The endpoint answered 422: Not this one." },
      },
    ]);
  });
});
