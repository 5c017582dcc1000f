import { Stream, StreamEncryption } from "aws-cdk-lib/aws-kinesis";
import { partitionKeyOf } from "millrace";
import { afterAll, beforeAll, expect, test } from "vitest";
import { recordsOf } from "../connectors/systems.ts";
import { Live, until } from "../end-to-end/live.ts";
import reading from "./start-at/pipeline.ts";

/** A pipeline that begins at a time on a stream that was there before, and was split. */
let live: Live;
let startAt: number;
beforeAll(async () => {
  // The stack starts before: what is put first is history to a pipeline that begins after it.
  startAt = Math.ceil(Date.now() / 1_000) * 1_000 + 40_000;
  live = await Live.start(reading, "test/replication/start-at/handler.ts", {
    props: { mapping: { batchingWindow: { seconds: 0 } } },
    beside: (stack) => ({
      stream: {},
      streams: {
        orders: {
          existing: new Stream(stack, "Orders", { shardCount: 1, encryption: StreamEncryption.MANAGED }),
          startAt: new Date(startAt),
        },
      },
    }),
  });
}, 60_000);
afterAll(() => live?.stop());

const put = async (numbers: readonly number[]) =>
  live.put(...numbers.map((n) => [partitionKeyOf({ shop: `shop ${n}` }), { shop: `shop ${n}`, n, at: n }] as const));

test("X6, X12: what arrived before is not read, and shards that were closed before hold nobody up", async () => {
  await put([1, 2, 3, 4]);
  const { source } = live.deployment;
  const [first] = await source.shards();
  await source.split(first!, 2n ** 127n);
  await until("the stream has other shards", async () => (await source.shards()).length > 1);
  expect(Date.now()).toBeLessThan(startAt);
  await until("it is time", () => Date.now() > startAt, 90);
  await put([5, 6, 7, 8, 9, 10, 11, 12]);
  const rows = recordsOf(live.stack, live.stack.outputs["SinkReadStream"]!);
  const found: number[] = [];
  await until("all that came later is read", async () => {
    found.push(...(await rows()).map(({ row }) => (JSON.parse(row) as { n: number }).n));
    return found.length >= 8;
  });
  expect(found.toSorted((a, b) => a - b)).toEqual([5, 6, 7, 8, 9, 10, 11, 12]);
}, 120_000);
