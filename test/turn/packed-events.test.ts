import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { count, kinesis, lake, bigint, pipeline, text, timestamp, tumbling } from "millrace";
import { expect, test } from "vitest";
import { encodePack } from "../../lib/connectors/kinesis/pack.ts";
import { encodeSequence } from "../../lib/formats/json-sequence.ts";
import type { IncomingRecord } from "../../lib/runtime/record.ts";
import { redriveBody } from "../../lib/runtime/redrive.ts";
import { parseControlMessage } from "../../lib/runtime/tick.ts";
import { hashOf, WHOLE_RANGE, type HashRange } from "../../lib/state/hash-range.ts";
import { event as eventSchema, eventsPipeline, type Event, type SumRow } from "../support/events-pipeline.ts";
import { aggregated } from "../support/kpl.ts";
import { naiveWindows, sorted } from "../support/naive-windows.ts";
import { record, Rig, SHARD } from "../support/rig.ts";

const texts = (events: readonly unknown[]) => events.map((one) => JSON.stringify(one));
const ofKeys = (events: readonly Event[]) =>
  events.map((one) => ({ partitionKey: one.key, data: JSON.stringify(one) }));

/** Every way in which some events may be one record. Events of one key alone for a sequence that says nothing of packs. */
const PACKINGS: Readonly<Record<string, (events: readonly Event[]) => Buffer>> = {
  pack: (events) => encodePack(texts(events)),
  "pack, gzip": (events) => gzipSync(encodePack(texts(events))),
  KPL: (events) => aggregated(ofKeys(events)),
  sequence: (events) => encodeSequence(texts(events)),
  "sequence, gzip": (events) => gzipSync(encodeSequence(texts(events))),
  gzip: ([only]) => gzipSync(JSON.stringify(only)),
  plain: ([only]) => Buffer.from(JSON.stringify(only)),
};

const events = fc.array(
  fc.record({ key: fc.constantFrom("a", "b", "c"), time: fc.nat(60), value: fc.integer({ min: -2, max: 2 }) }),
  { minLength: 1, maxLength: 60 },
);

/** The same events, in their order, in records of one to some. */
const records = (all: readonly Event[]) =>
  fc
    .array(fc.tuple(fc.integer({ min: 1, max: 8 }), fc.constantFrom(...Object.keys(PACKINGS))), {
      minLength: all.length,
      maxLength: all.length,
    })
    .map((cuts) => {
      const made: IncomingRecord[] = [];
      for (let at = 0, i = 0; at < all.length; i++) {
        const [most, packing] = cuts[i]!;
        const { key } = all[at]!;
        let size = packing === "gzip" || packing === "plain" ? 1 : most;
        if (packing.startsWith("sequence")) {
          const others = all.slice(at, at + size).findIndex((one) => one.key !== key);
          if (others !== -1) size = others;
        }
        const raw = PACKINGS[packing]!(all.slice(at, at + size));
        made.push(record(i + 1, {}, { key, raw }));
        at += size;
      }
      return made;
    });

test("however events are packed and compressed, rows, late rows and counts are those of one event a record", async () => {
  await fc.assert(
    fc.asyncProperty(
      events.chain((all) => fc.tuple(fc.constant(all), records(all), fc.integer({ min: 1, max: 9 }))),
      async ([all, packed, batch]) => {
        const rig = new Rig(eventsPipeline());
        const process = rig.process();
        for (let at = 0; at < packed.length; at += batch) await process.records(SHARD, packed.slice(at, at + batch));
        await rig.task().turn({ kind: "records", records: packed.slice(-1) }); // it comes again
        await rig.task().turn({ kind: "drain" });
        const expected = naiveWindows(all, { disorder: 5, lateness: 0 });
        expect(sorted(rig.rows<SumRow>("sums"))).toEqual(sorted(expected.windows));
        expect(rig.rows("late")).toHaveLength(expected.late.length);
        expect((await rig.counters()).get("events")).toMatchObject({ in: all.length, dead: 0 });
        expect(rig.deadLetters()).toEqual([]);
      },
    ),
  );
});

const good = (key: string, value = 1): Event => ({ key, time: 5, value });

test.each<[string, (events: readonly unknown[]) => Buffer]>([
  ["pack", (all) => encodePack(texts(all))],
  ["pack, gzip", (all) => gzipSync(encodePack(texts(all)))],
  ["KPL", (all) => aggregated(texts(all).map((data) => ({ partitionKey: "a", data })))],
  ["sequence", (all) => encodeSequence(texts(all))],
])(
  "%s: one that is wrong is a dead letter alone, and can be taken back by a build that reads it",
  async (_, packing) => {
    const rig = new Rig(eventsPipeline());
    const odd = { key: "a", time: 5, value: "not yet a number" };
    await rig.process().records(SHARD, [record(1, {}, { key: "a", raw: packing([good("a"), odd, good("a", 2)]) })]);
    const [letter, ...others] = rig.deadLetters();
    expect(others).toEqual([]);
    expect(letter).toMatchObject({
      reason: { code: "schema/mismatch" },
      partitionKey: "a",
      position: { sequence: "1" },
    });
    const mended = rig.process({
      decode: (one) => {
        const { value } = JSON.parse(String(one.bytes ?? Buffer.from(one.base64, "base64"))) as { value: unknown };
        return typeof value === "string"
          ? { value: good("a", 4), time: 5, key: { key: "a" }, keyCode: "sa" }
          : rig.decode(one);
      },
    });
    await mended.control(parseControlMessage(redriveBody(JSON.stringify(letter)))!);
    await rig.task().turn({ kind: "drain" });
    expect(rig.rows<SumRow>("sums")).toMatchObject([{ key: "a", events: 3, total: 7 }]);
  },
);

test("an event of a pack that fails further on is routed by its own key on its way back", async () => {
  const rig = new Rig(eventsPipeline());
  const raw = encodePack(texts([good("a"), { ...good("b"), time: 9e15 }, { ...good("c"), time: 9e15 }]));
  await rig.process().records(SHARD, [record(1, {}, { key: "a", raw })]);
  // Its time cannot be read, so its key is not known: it is where the record was.
  expect(rig.deadLetters().map(({ partitionKey }) => partitionKey)).toEqual(["a", "a"]);
});

test("X7: what is no pack, though it begins like one, is one dead letter", async () => {
  const cut = encodePack(texts([good("a")]));
  const wrong: readonly [string, Buffer, string][] = [
    ["a sequence that was cut off", cut.subarray(0, cut.length - 1), "kinesis/pack"],
    ["gzip that was cut off", gzipSync(cut).subarray(0, 20), "compression/damaged"],
    ["gzip of nothing", gzipSync(""), "schema/mismatch"],
    ["gzip of gzip", gzipSync(gzipSync("{}")), "json/utf-8"],
    ["a bomb", gzipSync(Buffer.alloc(17 * 1_024 * 1_024)), "compression/too-large"],
    [
      "a KPL record whose digest is wrong",
      Buffer.concat([aggregated(ofKeys([good("a")])), Buffer.of(0)]),
      "json/utf-8",
    ],
    [
      "an explicit hash key",
      aggregated([{ partitionKey: "a", explicitHashKey: "0", data: texts([good("a")])[0]! }]),
      "kinesis/partition-key",
    ],
    ["a key that the outer record does not have", encodeSequence(texts([good("b")])), "kinesis/partition-key"],
    [
      "another key in a KPL record than it says",
      aggregated([{ partitionKey: "x", data: texts([good("b")])[0]! }]),
      "kinesis/partition-key",
    ],
  ];
  for (const [name, raw, code] of wrong) {
    const rig = new Rig(eventsPipeline());
    await rig.process().records(SHARD, [record(1, {}, { key: "a", raw }), record(2, good("a"))]);
    expect([name, rig.deadLetters().map(({ reason }) => reason.code)]).toEqual([name, [code]]);
    expect((await rig.counters()).get("events")).toMatchObject({ in: 2, dead: 1 });
  }
});

test("a pack of a later version stops the task: it is neither folded in part nor thrown away", async () => {
  const rig = new Rig(eventsPipeline());
  const raw = encodeSequence([`{"millrace":"pack","version":2}`, ...texts([good("a")])]);
  await expect(rig.process().records(SHARD, [record(1, {}, { key: "a", raw })])).rejects.toMatchObject({
    code: "kinesis/pack-version",
    kind: "systemic",
  });
  expect(await rig.header()).toBeUndefined();
});

test("after a split, a shard takes of a pack what is its own: each event is folded once, since its producer sends on the others", async () => {
  const MIDDLE = "8".padEnd(32, "0");
  const low: HashRange = { from: WHOLE_RANGE.from, to: "7".padEnd(32, "f") };
  const high: HashRange = { from: MIDDLE, to: WHOLE_RANGE.to };
  const keys = ["a", "b", "c", "d", "e", "f"];
  expect(new Set(keys.map((key) => hashOf(key) < MIDDLE)).size).toBe(2);
  const rig = new Rig(eventsPipeline());
  rig.partitions.length = 0;
  rig.partitions.push({ id: "low", parents: [], range: low }, { id: "high", parents: [], range: high });
  const raw = encodePack(texts(keys.map((key) => good(key))));
  for (const [shard, sequence] of [
    ["low", 1],
    ["high", 2],
  ] as const) {
    await rig.process().records(shard, [record(sequence, {}, { key: "a", raw })]);
    await rig.task({ partition: shard }).turn({ kind: "drain" });
  }
  expect(sorted(rig.rows<SumRow>("sums").map(({ key, events: n }) => [key, n]))).toEqual(keys.map((key) => [key, 1]));
  expect(rig.deadLetters()).toEqual([]);
});

test("a declared compression is taken at its word", async () => {
  const clicks = kinesis("events", {
    schema: eventSchema,
    key: { key: (e) => e.key },
    eventTime: (e) => e.time,
    disorder: { millis: 5 },
    maxFuture: "unbounded",
    idle: "never",
    compression: "snappy",
  });
  const sums = lake("sums", { key: text, windowStart: timestamp, windowEnd: timestamp, events: bigint });
  const rig = new Rig(
    pipeline("p", (flow) => {
      flow
        .from(clicks)
        .byKey.window("tens", tumbling({ millis: 10 }))
        .aggregate({ events: count() })
        .to(sums);
    }),
  );
  const snappy = (raw: string | Buffer) => Buffer.from(snappyCompress(Buffer.from(raw as string)));
  await rig
    .process()
    .records(SHARD, [
      record(1, {}, { key: "a", raw: snappy(JSON.stringify(good("a"))) }),
      record(2, {}, { key: "a", raw: snappy(encodePack(texts([good("a"), good("b")]))) }),
      record(3, good("a")),
    ]);
  await rig.task().turn({ kind: "drain" });
  expect(sorted(rig.rows<SumRow>("sums").map(({ key, events: n }) => [key, n]))).toEqual([
    ["a", 2],
    ["b", 1],
  ]);
  expect(rig.deadLetters().map(({ reason }) => reason.code)).toEqual(["compression/damaged"]);
});
