import { bigint, count, kinesis, lake, pipeline, text, timestamp, tumbling } from "millrace";
import { lambdaHandler, type StageHandler } from "millrace/lambda";
import { afterAll, beforeAll, describe, expect, test, vi } from "vitest";
import { z } from "zod";
import {
  bindingsOf,
  CONTEXT,
  kinesisRecord,
  startHandlerServices,
  type HandlerServices,
} from "../support/handler-services.ts";

const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/cards";
const SECRET = "4929-1234-5678-9012";

/** A pipeline whose every way to fail is given the secret: as a key, as a field, in what user code throws. */
const cards = pipeline(
  "cards",
  (flow) => {
    flow
      .from(
        kinesis("cards", {
          schema: z.object({ card: z.string(), time: z.number(), kind: z.enum(["good", "bad", "odd"]) }),
          key: { card: (payment) => payment.card },
          eventTime: (payment) => payment.time,
          disorder: { hours: 1 },
        }),
      )
      .filter("checked", (payment) => {
        if (payment.kind === "bad") throw new Error(`Card ${payment.card} is refused.`);
        // eslint-disable-next-line @typescript-eslint/only-throw-error -- user code throws anything
        if (payment.kind === "odd") throw payment;
        return true;
      })
      .byKey.window("hourly", tumbling({ hours: 1 }))
      .aggregate({ payments: count() })
      .to(lake("payments", { card: text, windowStart: timestamp, windowEnd: timestamp, payments: bigint }));
  },
  { poison: { share: 0.5 } },
);

let services: HandlerServices;
let handler: StageHandler;
const printed: string[] = [];

beforeAll(async () => {
  services = await startHandlerServices(
    ["shard-a", "shard-b"],
    bindingsOf("cards", ARN, { payments: { deliveryStream: "payments" } }),
  );
  vi.stubEnv("POWERTOOLS_LOG_LEVEL", "DEBUG");
  for (const method of ["log", "info", "warn", "error", "debug"] as const) {
    vi.spyOn(console, method).mockImplementation((...said: unknown[]) => void printed.push(JSON.stringify(said)));
  }
  handler = lambdaHandler(cards);
});
afterAll(async () => {
  await services.stop();
  vi.restoreAllMocks();
});

const record = (shard: string, sequence: number, payload: string, partitionKey = SECRET) =>
  kinesisRecord(ARN, shard, sequence, payload, { partitionKey });

const payment = (fields: object = {}) => JSON.stringify({ card: SECRET, time: 1_000, kind: "good", ...fields });

const invoke = (Records: readonly unknown[]) => handler({ Records }, CONTEXT);

const HIDDEN = [SECRET, Buffer.from(SECRET).toString("base64"), "1234-5678"];

describe("logs never hold what records hold", () => {
  test.each<[string, readonly unknown[]]>([
    ["records that are folded", [record("shard-a", 1, payment())]],
    ["JSON that is none", [record("shard-a", 2, `{"card":"${SECRET}"`)]],
    ["a field of another type", [record("shard-a", 3, payment({ time: SECRET }))]],
    ["a value that a schema does not know", [record("shard-a", 4, payment({ kind: SECRET }))]],
    ["a partition key that is not the record's", [record("shard-a", 5, payment(), `other ${SECRET}`)]],
    ["an error of user code", [record("shard-a", 6, payment({ kind: "bad" }))]],
    ["what user code throws that is no error", [record("shard-a", 7, payment({ kind: "odd" }))]],
    [
      "a batch that is refused as a whole, as most of it is poison",
      Array.from({ length: 200 }, (_, i) => record("shard-b", i + 1, payment({ kind: "bad" }))),
    ],
    [
      "a message in the tick queue that is none",
      [{ messageId: "m1", receiptHandle: "h", body: JSON.stringify({ type: "redrive", card: SECRET }) }],
    ],
    ["an event that no mapping sends", [{ sns: { card: SECRET } }]],
  ])("%s", async (_, records) => {
    printed.length = 0;
    // Nothing takes messages and rows here, so deliveries fail as well, and say so.
    await invoke(records).catch(() => undefined);
    expect(printed.length).toBeGreaterThan(0);
    for (const secret of HIDDEN) expect(printed.join("\n")).not.toContain(secret);
  });
});
