import { kafka, kafkaRecords, pipeline } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { formatOf } from "../../../lib/connectors/formats.ts";
import { kafkaDecoder } from "../../../lib/connectors/kafka/decode.ts";
import { partitionOf } from "../../../lib/connectors/kafka/murmur2.ts";
import { kafkaSource } from "../../../lib/connectors/kafka/source.ts";
import type { IncomingRecord } from "../../../lib/runtime/record.ts";

const schema = z.object({ id: z.string(), at: z.number(), isGone: z.boolean().default(false) });
const times = { schema, eventTime: (order: { at: number }) => order.at, disorder: { minutes: 1 } };

const recordOf = (value: unknown, more: Partial<IncomingRecord> = {}): IncomingRecord => ({
  position: { sequence: "7", index: 0 },
  arrival: 1_000,
  partitionKey: "a",
  base64: value === null ? "" : Buffer.from(JSON.stringify(value)).toString("base64"),
  partition: "orders-0",
  ...more,
});

describe("a record of Kafka", () => {
  test("is JSON", () => {
    const decoded = kafkaDecoder(kafka("orders", times))(recordOf({ id: "a", at: 500 }));
    expect(decoded).toEqual({ value: { id: "a", at: 500, isGone: false }, time: 500, key: {}, keyCode: "" });
  });

  test("without a value is a dead letter that says so", () => {
    const decode = kafkaDecoder(kafka("orders", times));
    expect(() => decode(recordOf(null))).toThrow(expect.objectContaining({ kind: "poison", code: "kafka/tombstone" }));
  });

  test("without a value is what the source says it stands for", () => {
    const tombstone = ({ key, timestamp }: { key: string; timestamp: number }) => ({
      id: key,
      at: timestamp,
      isGone: true,
    });
    const decode = kafkaDecoder(kafka("orders", { ...times, tombstone }));
    expect(decode(recordOf(null))).toMatchObject({ value: { id: "a", at: 1_000, isGone: true }, time: 1_000 });
  });
});

test.each([1_700_000_000_000_000_000, -9e18])(
  "X7: a timestamp that is no time, as %d is, makes a dead letter of its record, and stops no others",
  (timestamp) => {
    const of = (offset: number, time: number) => ({
      ...{ topic: "orders", partition: 0, offset, timestamp: time, key: null, headers: [] },
      value: Buffer.from(`{"id":"a","at":5}`).toString("base64"),
    });
    const event = {
      eventSource: "SelfManagedKafka",
      records: { "orders-0": [of(1, 1_000), of(2, timestamp), of(3, -1)] },
    };
    const [{ records } = { records: [] }] = kafkaSource.recordsOf(event, { topic: "orders" });
    expect(records.map(({ arrival }) => arrival)).toEqual([1_000, 0, 0]);
    const wrong = expect.objectContaining({ kind: "poison", code: "kafka/timestamp" }) as Error;
    const formats = [kafka("orders", times), kafkaRecords("orders", { cluster: "berlin" })].map((one) => formatOf(one));
    for (const { decode } of formats) {
      expect(() => decode(records[1]!)).toThrow(wrong);
      for (const record of [records[0]!, records[2]!]) expect(decode(record).value).toBeDefined();
    }
  },
);

describe("a source with a key and a number of partitions", () => {
  const partitions = 6;
  const keyed = kafka("orders", { ...times, key: { id: (order) => order.id }, partitions });

  test("takes a record on its key's partition", () => {
    const partition = `orders-${partitionOf("a", partitions)}`;
    expect(kafkaDecoder(keyed)(recordOf({ id: "a", at: 500 }, { partition }))).toMatchObject({ key: { id: "a" } });
  });

  test("sets aside one on any other", () => {
    for (let n = 0; n < partitions; n++) {
      if (n === partitionOf("a", partitions)) continue;
      const record = recordOf({ id: "a", at: 500 }, { partition: `orders-${n}` });
      expect(() => kafkaDecoder(keyed)(record)).toThrow(
        expect.objectContaining({ kind: "poison", code: "kafka/partition" }),
      );
    }
  });

  test("can be grouped by it; a source without cannot, by its types", () => {
    pipeline("p", (flow) => {
      flow
        .from(keyed)
        .byKey.deduplicate("once", { id: (order) => order.at, within: { hours: 1 } })
        .metric("sold");
    });
    const without = () =>
      pipeline("q", (flow) => {
        // @ts-expect-error no key is declared
        flow.from(kafka("orders", times)).metric("sold").byKey satisfies { deduplicate: unknown };
      });
    expect(without).toThrow("a stream without a key");
  });

  test.each([
    ["a key without the number of partitions", { key: { id: (order: { id: string }) => order.id } }, "kafka/key"],
    ["a number of partitions without a key", { partitions: 3 }, "kafka/key"],
    ["no partitions", { key: { id: (order: { id: string }) => order.id }, partitions: 0 }, "kafka/partitions"],
    ["a topic that cannot be", { topic: "a/b" }, "kafka/topic"],
  ])("%s is refused", (_what, more, code) => {
    expect(() => kafka("orders", { ...times, ...more } as never)).toThrow(
      expect.objectContaining({ kind: "definition", code }),
    );
  });
});
