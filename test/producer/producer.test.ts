import fc from "fast-check";
import { kinesis, partitionKeyOf } from "millrace";
import { Producer, type ProducerOptions, type Receipt } from "millrace/producer";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { MemoryStream, VirtualTime, type Mishap, type Stored } from "./stream.ts";

const events = kinesis("events", {
  schema: z.object({ key: z.string(), n: z.number() }),
  key: { key: (e) => e.key },
  eventTime: (e) => e.n,
  disorder: { seconds: 1 },
});
type Event = Stored["event"];

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

function producing(mishaps: readonly Mishap[], options: ProducerOptions = {}) {
  const time = new VirtualTime();
  const stream = new MemoryStream(time, mishaps);
  let keys = 0;
  const world = {
    transport: stream,
    now: () => time.now,
    random: () => 0.5,
    schedule: time.schedule,
    newKey: () => `k${++keys}`,
  };
  return { time, stream, producer: new Producer(events, world, options) };
}

type Outcome =
  { readonly event: Event; readonly receipt: Receipt } | { readonly event: Event; readonly thrown: unknown };

/** Sends all, some later than others, and waits until each is somewhere or was given up. */
async function sendAll(
  { time, producer }: ReturnType<typeof producing>,
  all: readonly Event[],
  pauseAfter: (i: number) => number = () => 0,
): Promise<readonly Outcome[]> {
  const outcomes: Outcome[] = [];
  let isOver = false;
  const work = (async () => {
    const sent: Promise<unknown>[] = [];
    for (const [i, event] of all.entries()) {
      sent.push(
        producer.send(event).then(
          (receipt) => outcomes.push({ event, receipt }),
          (thrown: unknown) => outcomes.push({ event, thrown }),
        ),
      );
      const pause = pauseAfter(i);
      if (pause > 0) await new Promise<void>((resolve) => time.schedule(pause, resolve));
    }
    await producer.close();
    await Promise.all(sent);
    isOver = true;
  })();
  await time.run(() => isOver);
  expect(isOver).toBe(true);
  await work;
  return outcomes;
}

const ofKey = (all: readonly Event[], key: string) => all.filter((event) => event.key === key).map(({ n }) => n);

const mishap = fc.oneof(
  { weight: 3, arbitrary: fc.constant<Mishap>({ kind: "refuse", which: () => false }) },
  { weight: 3, arbitrary: fc.nat(3).map((n): Mishap => ({ kind: "refuse", which: (i) => (i + n) % 3 !== 0 })) },
  { weight: 2, arbitrary: fc.constantFrom<Mishap>({ kind: "split" }, { kind: "split all" }, { kind: "merge" }) },
  { weight: 1, arbitrary: fc.constant<Mishap>({ kind: "fail" }) },
);

const given = fc.record({
  keys: fc.array(fc.constantFrom(...KEYS), { minLength: 1, maxLength: 120 }),
  mishaps: fc.array(mishap, { maxLength: 30 }),
  packEvents: fc.integer({ min: 1, max: 12 }),
  bufferBytes: fc.constantFrom(60, 400, 1_000_000),
  pauses: fc.array(fc.nat(40), { minLength: 1, maxLength: 10 }),
});

describe("while requests fail, records are refused, and shards are split and merged", () => {
  test("each event is taken by a reader exactly once, and those of a key in their order", async () => {
    await fc.assert(
      fc.asyncProperty(given, async ({ keys, mishaps, packEvents, bufferBytes, pauses }) => {
        const rig = producing(mishaps, { packEvents, bufferBytes, linger: { millis: 10 } });
        const all = keys.map((key, n) => ({ key, n }));
        const outcomes = await sendAll(rig, all, (i) => pauses[i % pauses.length]!);
        expect(outcomes.filter((outcome) => "thrown" in outcome)).toEqual([]);
        const stored = rig.stream.stored.map(({ event }) => event);
        for (const key of KEYS) expect([key, ofKey(stored, key)]).toEqual([key, ofKey(all, key)]);
      }),
      { numRuns: 800 },
    );
  });

  test("with answers that are lost, each is taken at least once, and none before an earlier one of its key", async () => {
    await fc.assert(
      fc.asyncProperty(given, fc.array(fc.nat(25), { minLength: 1, maxLength: 4 }), async (how, lost) => {
        const mishaps = [...how.mishaps];
        for (const at of lost) mishaps.splice(at % (mishaps.length + 1), 0, { kind: "lose-answer" });
        const rig = producing(mishaps, { packEvents: how.packEvents, linger: { millis: 10 } });
        const all = how.keys.map((key, n) => ({ key, n }));
        await sendAll(rig, all);
        const stored = rig.stream.stored.map(({ event }) => event);
        for (const key of KEYS) {
          const first = [...new Set(ofKey(stored, key))];
          expect([key, first]).toEqual([key, ofKey(all, key)]);
        }
      }),
      { numRuns: 200 },
    );
  });

  test("a receipt names the shard that has the event", async () => {
    const rig = producing([{ kind: "refuse", which: () => false }, { kind: "split" }], { packEvents: 4 });
    const all = Array.from({ length: 40 }, (_, n) => ({ key: KEYS[n % KEYS.length]!, n }));
    const outcomes = await sendAll(rig, all);
    expect(rig.stream.passedOver).toBeGreaterThan(0); // a pack came to a shard that only a part of it was for
    for (const outcome of outcomes) {
      const found = rig.stream.stored.find(({ event }) => event.n === outcome.event.n);
      expect("receipt" in outcome && outcome.receipt.shardId).toBe(found!.shard);
    }
  });
});

test("events wait for others no longer than they may, and a full record waits for nothing", async () => {
  const rig = producing([], { packEvents: 3, linger: { millis: 50 } });
  const all = [0, 1, 2, 3].map((n) => ({ key: "a", n }));
  const at: number[] = [];
  const put = rig.stream.put.bind(rig.stream);
  rig.stream.put = (records) => {
    at.push(rig.time.now);
    return put(records);
  };
  await sendAll(rig, all, (i) => (i === 3 ? 200 : 0));
  expect(at).toEqual([0, 50]);
});

test("what the pipeline would refuse is refused before it is sent", async () => {
  const { producer, stream } = producing([]);
  await expect(producer.send({ key: "a", n: "1" } as never)).rejects.toMatchObject({ code: "schema/mismatch" });
  await expect(producer.send({ key: "a" } as never)).rejects.toMatchObject({ code: "schema/mismatch" });
  await expect(producer.send(undefined as never)).rejects.toMatchObject({ code: "producer/not-json" });
  const large = { key: "a".repeat(2_000_000), n: 1 };
  await expect(producer.send(large)).rejects.toMatchObject({ code: "producer/too-large" });
  expect(stream.requests).toBe(0);
  await producer.close();
  await expect(producer.send({ key: "a", n: 1 })).rejects.toMatchObject({ code: "producer/closed" });
});

test("what is refused for as long as it may be tried is given up, and says so; what follows goes on", async () => {
  const mishaps = Array.from({ length: 12 }, (): Mishap => ({ kind: "refuse", which: () => true }));
  const rig = producing(mishaps, { packEvents: 1, deliveryTimeout: { seconds: 3 } });
  const outcomes = await sendAll(rig, [
    { key: "a", n: 0 },
    { key: "a", n: 1 },
  ]);
  expect(outcomes[0]).toMatchObject({ event: { n: 0 }, thrown: { code: "producer/timeout" } });
  expect(rig.time.now).toBeGreaterThanOrEqual(3_000);
});

test("an error that no attempt mends is not tried again", async () => {
  const rig = producing([]);
  const missing = Object.assign(new Error("no such stream"), { name: "ResourceNotFoundException" });
  rig.stream.put = async () => {
    rig.stream.requests++;
    throw missing;
  };
  const [outcome] = await sendAll(rig, [{ key: "a", n: 0 }]);
  expect(outcome).toMatchObject({ thrown: { code: "producer/refused" } });
  expect(rig.stream.requests).toBe(1);
});

test("events without a key fill records, and any shard has them", async () => {
  const keyless = kinesis("any", {
    schema: z.object({ key: z.string(), n: z.number() }),
    eventTime: (e) => e.n,
    disorder: { seconds: 1 },
  });
  const rig = producing([{ kind: "split" }]);
  const { transport, now, random, schedule, newKey } = {
    transport: rig.stream,
    now: () => rig.time.now,
    random: () => 0.5,
    schedule: rig.time.schedule,
    newKey: (() => {
      let n = 0;
      return () => `k${++n}`;
    })(),
  };
  const producer = new Producer(keyless, { transport, now, random, schedule, newKey }, { packEvents: 10 });
  await sendAll(
    { ...rig, producer: producer },
    Array.from({ length: 30 }, (_, n) => ({ key: "x", n })),
  );
  expect(new Set(rig.stream.records.map(({ partitionKey }) => partitionKey)).size).toBe(3);
  expect(rig.stream.records).toHaveLength(3);
});

test("savings: put units, bytes and dollars against one record an event", async () => {
  const rig = producing([], { packEvents: 500 });
  const all = Array.from({ length: 1_000 }, (_, n) => ({ key: KEYS[n % KEYS.length]!, n }));
  await sendAll(rig, all);
  const savings = rig.producer.savings();
  const bytes = all.reduce(
    (sum, event) => sum + JSON.stringify(event).length + partitionKeyOf({ key: event.key }).length,
    0,
  );
  expect(savings).toMatchObject({ events: 1_000, eventBytes: bytes, records: 2, putUnits: 2, putUnitsUnpacked: 1_000 });
  expect(savings.recordBytes).toBe(rig.stream.records.reduce((sum, record) => sum + record.bytes + 1, 0));
  expect(savings.recordBytes).toBeLessThan(bytes / 3);
  expect(savings.dollarsSaved).toBeCloseTo((998 * 0.014) / 1e6, 12);
});
