import { gzipSync } from "node:zlib";
import { createHash } from "node:crypto";
import fc from "fast-check";
import { kafkaRecords, kinesis, kinesisRecords, streamCopy, topicCopy, type RawRecord } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { formatOf } from "../../lib/connectors/formats.ts";
import { kafkaSource } from "../../lib/connectors/kafka/source.ts";
import { encodePack } from "../../lib/connectors/kinesis/pack.ts";
import { aggregatedCopy, partitionKeyFor } from "../../lib/connectors/replication/copied-tags.ts";
import { decodeCopy } from "../../lib/connectors/replication/copy-body.ts";
import { packsOf } from "../../lib/connectors/stream-copy/packs.ts";
import { aggregate } from "../../lib/formats/kpl.ts";
import type { IncomingRecord, RecordFormat, Undecoded } from "../../lib/runtime/record.ts";
import { aggregated, opened } from "../support/kpl.ts";

const orders = kinesisRecords("orders", { cluster: "dublin" });
const topic = kafkaRecords("orders", { cluster: "berlin" });

/** Everything that a record holds. */
function readAll(format: RecordFormat, record: IncomingRecord): RawRecord[] {
  const events: readonly Undecoded[] = format.unpack?.(record)?.events ?? [record];
  return events.map((event) => format.decode(event).value as RawRecord);
}

const kinesisRecord = (data: Uint8Array, partitionKey = "k", more: Partial<IncomingRecord> = {}): IncomingRecord => ({
  position: { sequence: "17", index: 0 },
  arrival: 5_000,
  partitionKey,
  base64: Buffer.from(data).toString("base64"),
  partition: "shardId-000000000002",
  ...more,
});

interface Produced {
  readonly key: Uint8Array | null;
  readonly value: Uint8Array | null;
  readonly headers: readonly (readonly [string, Uint8Array])[];
  readonly timestamp: number;
}

const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString("base64");

/** As Lambda sends it. */
function kafkaRecord({ key, value, headers, timestamp }: Produced): IncomingRecord {
  const record = {
    topic: "orders",
    partition: 3,
    offset: 41,
    timestamp,
    ...(key && { key: base64(key) }),
    ...(value && { value: base64(value) }),
    headers: headers.map(([name, of]) => ({ [name]: [...of].map((byte) => (byte > 127 ? byte - 256 : byte)) })),
  };
  const event = { eventSource: "SelfManagedKafka", records: { "orders-3": [record] } };
  return kafkaSource.recordsOf(event, { topic: "orders" })[0]!.records[0]!;
}

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  fc.string({ maxLength: 20 }).map((text) => Buffer.from(text)),
  fc.constant(Buffer.from("x".repeat(300))),
);
const produced: fc.Arbitrary<Produced> = fc.record({
  key: fc.option(bytes),
  value: fc.option(bytes),
  headers: fc.array(fc.tuple(fc.constantFrom("a", "b", "header:x", "é", "__proto__"), bytes), { maxLength: 4 }),
  timestamp: fc.nat(),
});

const plain = ({ key, value, headers, timestamp }: RawRecord | Produced) => ({
  key: key && base64(key),
  value: value && base64(value),
  headers: headers.map(([name, of]) => [name, of && base64(of)]),
  timestamp,
});

/** On its way through the commit that copies it. */
const copied = (record: RawRecord, to: ReturnType<typeof streamCopy | typeof topicCopy>) =>
  decodeCopy(to.encode(record as never));

describe("from Kafka to Kinesis and back", () => {
  const there = streamCopy("there", { cluster: "dublin" });
  const back = topicCopy("back", { cluster: "paris" });

  test("keys, values, headers and timestamps are what they were, whatever bytes they are and whether they are there", () => {
    fc.assert(
      fc.property(fc.array(produced, { minLength: 1, maxLength: 5 }), (all) => {
        const read = all.map((one) => readAll(formatOf(topic), kafkaRecord(one))[0]!);
        expect(read.map(plain)).toEqual(all.map(plain));
        const packs = packsOf(
          read.map((record) => copied(record, there)),
          false,
        );
        for (const { data, partitionKey, members } of packs) {
          const onKinesis = readAll(formatOf(orders), kinesisRecord(data, partitionKey));
          expect(onKinesis.map(plain)).toEqual(members.map((index) => plain(all[index]!)));
          for (const record of onKinesis) {
            expect(record.origin).toEqual({ id: "berlin/orders/3/41", clusters: ["berlin", "dublin"] });
            expect(plain({ ...copied(record, back) })).toEqual(plain(record));
          }
        }
      }),
    );
  });

  test("the partition key is the key's text, or a hash of what Kinesis takes for none", () => {
    const of = (key: Buffer | null) => partitionKeyFor({ key, origin: { id: "x", clusters: [] } });
    expect(of(Buffer.from("shop é"))).toBe("shop é");
    for (const key of [Buffer.alloc(0), Buffer.from("x".repeat(257)), Buffer.of(0xff, 0xfe)])
      expect(of(key)).toBe(createHash("sha256").update(key).digest("hex"));
    expect(of(null)).toMatch(/^[0-9a-f]{64}$/);
  });

  test("a copy is what the KPL writes, by a library that is not ours: values as payloads, and the rest in tags", () => {
    const record = readAll(
      formatOf(topic),
      kafkaRecord({
        key: Buffer.from("shop"),
        value: Buffer.from("{}"),
        headers: [["h", Buffer.of(255)]],
        timestamp: 7,
      }),
    )[0]!;
    expect(opened(aggregate([aggregatedCopy(copied(record, there))]))).toEqual([
      {
        partitionKey: "shop",
        data: "{}",
        tags: {
          "millrace-origin": "berlin/orders/3/41",
          "millrace-clusters": "berlin",
          "millrace-timestamp": "7",
          "header:h": "/w==",
        },
      },
    ]);
  });
});

describe("a source of Kinesis records", () => {
  const read = (data: Uint8Array, more?: Partial<IncomingRecord>, source = orders) =>
    readAll(formatOf(source), kinesisRecord(data, "k", more));

  test("takes any bytes as they are: nothing is decompressed, and nothing has to be JSON", () => {
    const others = [Buffer.alloc(0), Buffer.from("text"), gzipSync("{}"), Buffer.of(0x1f, 0x8b, 1), Buffer.of(0x1e, 1)];
    for (const data of others) {
      expect(read(data).map(plain)).toEqual([
        { key: base64(Buffer.from("k")), value: base64(data), headers: [], timestamp: 5_000 },
      ]);
    }
    expect(read(Buffer.from("x"))[0]!.origin).toEqual({
      id: "dublin/orders/shardId-000000000002/17",
      clusters: ["dublin"],
    });
  });

  test("takes records of the KPL apart, each with its key and a name of its own", () => {
    const records = read(aggregated([{ partitionKey: "a", data: "1" }, { partitionKey: "b", data: "2" }])); // prettier-ignore
    expect(records.map(({ key, value, origin }) => [String(key), String(value), origin.id])).toEqual([
      ["a", "1", "dublin/orders/shardId-000000000002/17"],
      ["b", "2", "dublin/orders/shardId-000000000002/17/1"],
    ]);
  });

  const clicks = kinesis("clicks", {
    schema: z.object({ page: z.string() }),
    key: { page: (click) => click.page },
    eventTime: () => 0,
    disorder: {},
  });
  const pack = encodePack([`{"page":"a"}`, `{"page":"b"}`]);

  test.each([
    ["plain", pack],
    ["gzip", gzipSync(pack)],
  ])("takes a pack of the producer apart by the keys of the source that it packs for: %s", (_, data) => {
    const packed = kinesisRecords("clicks", { cluster: "dublin", packedBy: clicks as never });
    const format = formatOf(packed);
    expect(format.unpack!(kinesisRecord(data))).toMatchObject({ isSentAgain: true });
    const records = readAll(format, kinesisRecord(data));
    expect(records.map(({ key, value }) => [String(key), String(value)])).toEqual([
      ["a", `{"page":"a"}`],
      ["b", `{"page":"b"}`],
    ]);
    expect(format.decode(format.unpack!(kinesisRecord(data))!.events[1]!)).toMatchObject({ key: { page: "b" } });
  });

  test("sets a pack aside whose keys nobody tells: put elsewhere as it is, readers would pass over a part of it", () => {
    const wrong = expect.objectContaining({ kind: "poison", code: "replication/pack" }) as Error;
    for (const data of [pack, gzipSync(pack)]) expect(() => read(data)).toThrow(wrong);
  });

  test("X7: what was set aside out of a record goes back alone, under the name that it had", () => {
    const record = kinesisRecord(aggregated([1, 2, 3].map((n) => ({ partitionKey: "a", data: `${n}` }))));
    const { events } = formatOf(orders).unpack!(record)!;
    const [, , third] = events;
    const alone = { ...record, base64: third!.base64, position: third!.position };
    expect(readAll(formatOf(orders), alone)).toMatchObject([
      { origin: { id: "dublin/orders/shardId-000000000002/17/2" }, place: { index: 2 } },
    ]);
  });
});

describe("what says where a copy comes from", () => {
  const tagged = (id: string | undefined, clusters: string | undefined) => {
    const tags = [
      ["millrace-origin", id],
      ["millrace-clusters", clusters],
    ] as const;
    return kinesisRecord(aggregate([{ partitionKey: "k", data: Buffer.alloc(0), tags }]));
  };

  test("counts the cluster that it is read in", () => {
    expect(readAll(formatOf(orders), tagged("x", "berlin"))[0]!.origin.clusters).toEqual(["berlin", "dublin"]);
  });

  test("ends what goes around, whatever pipelines call their clusters: that it has been here is a dead letter", () => {
    const wrong = expect.objectContaining({ kind: "poison", code: "replication/around" }) as Error;
    expect(() => readAll(formatOf(orders), tagged("x", "berlin,dublin,paris"))).toThrow(wrong);
    // Of two pipelines that copy each other's stream, one calls the two clusters otherwise than the other; or both are one stream.
    for (const ways of [
      ["a", "b", "c", "d"],
      ["a", "b"],
    ]) {
      let clusters: readonly string[] = [];
      const rounds = Array.from({ length: 9 }, () => ways.filter((_, i) => i % 2 === 0)).flat();
      const hops = rounds.findIndex((cluster) => {
        try {
          const at = formatOf(kinesisRecords("orders", { cluster }));
          const record = clusters.length === 0 ? kinesisRecord(Buffer.from("x")) : tagged("x", clusters.join());
          ({ clusters } = readAll(at, record)[0]!.origin);
          return false;
        } catch (thrown) {
          expect(thrown).toMatchObject({ code: "replication/around" });
          return true;
        }
      });
      expect(hops).toBe(ways.length / 2);
    }
  });

  test.each([
    ["nothing", undefined, undefined],
    ["no name", "", "berlin"],
    ["no clusters", "x", ""],
    ["what is no cluster's name", "x", "berlin,<script>"],
    ["more clusters than there can be", "x", Array.from({ length: 33 }, (_, i) => `c${i}`).join()],
    ["a name without end", "x".repeat(5_000), "berlin"],
  ])("is bounded: %s is a dead letter", (_, id, clusters) => {
    const wrong = expect.objectContaining({ kind: "poison", code: "replication/provenance" }) as Error;
    expect(() => readAll(formatOf(orders), tagged(id, clusters))).toThrow(wrong);
  });

  test("a record is never encoded for a cluster that it has been in", () => {
    const [record] = readAll(formatOf(orders), tagged("x", "berlin"));
    for (const cluster of ["berlin", "dublin"]) {
      const wrong = expect.objectContaining({ kind: "systemic", code: "replication/loop" }) as Error;
      expect(() => streamCopy("there", { cluster }).encode(record as never)).toThrow(wrong);
    }
  });
});

describe("headers of Kafka", () => {
  const wrong = expect.objectContaining({ kind: "poison", code: "kafka/headers" }) as Error;
  test.each([["a text"], [[7]], [[{ h: "text" }]], [[{ h: [256] }]], [[{ h: [1.5] }]], [[{ h: [-129] }]]])(
    "that are none are a dead letter: %j",
    (headers) => {
      const attached = { key: null, isTombstone: false, headers };
      expect(() => readAll(formatOf(topic), kinesisRecord(Buffer.from("x"), "k", { attached }))).toThrow(wrong);
    },
  );
});

test("too large a copy is found before the commit, and no other is", () => {
  const there = streamCopy("there", { cluster: "berlin" });
  const [record] = readAll(formatOf(orders), kinesisRecord(Buffer.from("x")));
  const of = (size: number) => there.encode({ ...record!, value: Buffer.alloc(size) } as never);
  expect(() => of(1_024 * 1_024)).toThrow(expect.objectContaining({ kind: "poison", code: "sink/too-large" }) as Error);
  const [largest] = packsOf([decodeCopy(of(1_024 * 1_024 - 2_000))], false);
  expect(largest!.data.length + largest!.partitionKey.length).toBeLessThanOrEqual(1_024 * 1_024);
});

describe("a copy that is not too large fits into a record of Kinesis, whoever wrote what goes with it", () => {
  const there = streamCopy("there", { cluster: "berlin" });
  const largest = (record: RawRecord): number => {
    let [fits, not] = [0, 1_100_000];
    while (not - fits > 1) {
      const size = (fits + not) >> 1;
      try {
        there.encode({ ...record, value: Buffer.alloc(size) } as never);
        fits = size;
      } catch {
        not = size;
      }
    }
    return fits;
  };
  const names = ["x", "€".repeat(1_024), "\u0001".repeat(1_024), "😀".repeat(512)];
  const keys = [null, Buffer.from("€".repeat(256)), Buffer.from("😀".repeat(128)), Buffer.alloc(3_000, 0xff)];

  test.each(names.flatMap((id) => keys.map((key) => [id, key] as const)))("%.4s, %#", (id, key) => {
    const origin = { id, clusters: Array.from({ length: 32 }, (_, i) => `c${"x".repeat(28)}${i + 10}`) };
    const headers = [["é".repeat(100), Buffer.alloc(7)]] as const;
    const record: RawRecord = {
      ...{ key, value: null, headers, timestamp: Number.MAX_SAFE_INTEGER, origin },
      place: { partition: "shardId-000000000002", sequence: "1".repeat(56), index: 0 },
    };
    const encoded = (() => {
      try {
        return there.encode({ ...record, value: Buffer.alloc(largest(record)) } as never);
      } catch (thrown) {
        expect(thrown).toMatchObject({ kind: "poison", code: "sink/too-large" });
        return undefined;
      }
    })();
    if (encoded === undefined) return;
    expect(Buffer.byteLength(encoded)).toBeLessThanOrEqual(there.maxBytes);
    const [pack] = packsOf([decodeCopy(encoded)], false);
    expect(pack!.data.length + Buffer.byteLength(pack!.partitionKey)).toBeLessThanOrEqual(1_024 * 1_024);
  });
});

test("a partition key that Kinesis takes for none is none in a record of the KPL either: each event would have it once more", () => {
  const partitionKey = "x".repeat(500_000);
  const all = Array.from({ length: 60_000 }, () => ({ partitionKey, data: Buffer.alloc(1), tags: [] }));
  const wrong = expect.objectContaining({ kind: "poison", code: "kinesis/pack" }) as Error;
  expect(() => readAll(formatOf(orders), kinesisRecord(aggregate(all.slice(0, 2))))).toThrow(wrong);
  const longest = aggregate([{ partitionKey: "😀".repeat(256), data: Buffer.alloc(1), tags: [] }]);
  expect(readAll(formatOf(orders), kinesisRecord(longest))).toHaveLength(1);
});

test("the payload of a copy is what a pipeline's own source reads, compressed or not", () => {
  const schema = z.object({ n: z.number() }).nullable();
  const source = kinesis("orders", { schema, key: { n: (one) => one?.n ?? 0 }, eventTime: () => 0, disorder: {} });
  const format = formatOf(source);
  const tags = [["millrace-origin", "x"]] as const;
  for (const data of [Buffer.from(`{"n":7}`), gzipSync(`{"n":7}`)]) {
    const record = kinesisRecord(aggregate([{ partitionKey: "7", data, tags }]), "7");
    expect(format.unpack!(record)!.events.map((event) => format.decode(event).value)).toEqual([{ n: 7 }]);
  }
});
