import { expect, test } from "vitest";
import { cheaperBetween } from "../../bench/bill/bill.ts";
import { turnOf, type Measured, type Shape } from "../../bench/bill/measured.ts";
import {
  affinityOf,
  idleDollars,
  millraceBill,
  streamOf,
  totalOf,
  type Deployed,
} from "../../bench/bill/millrace-bill.ts";
import { keptDollars, storeDollars } from "../../bench/cost/cost.ts";
import { flinkBill, flockDollars, kafkaStreamsBill } from "../../bench/bill/peer-bills.ts";

const none = { readUnits: 1, s3Puts: 0, s3Gets: 0, sqsRequests: 0, spilledBytes: 0 };
/** A turn takes 1 ms and a unit, and for each event 0.01 ms, 0.004 units and 0.1 KB of Firehose. */
const turns = [
  { ...none, events: 1, cpuMillis: 1.01, writeUnits: 1.004, firehoseKilobytes: 0.1, tableBytes: 201 },
  { ...none, events: 1_001, cpuMillis: 11.01, writeUnits: 5.004, firehoseKilobytes: 100.1, tableBytes: 1_201 },
];
const single: Shape = { name: "single", eventsPerRecord: 1, recordBytes: 100, putUnitsPerEvent: 1, turns };
const packed: Shape = { name: "packed", eventsPerRecord: 500, recordBytes: 5_000, putUnitsPerEvent: 0.002, turns };
const AS_MADE = { memory: 1_024, shards: 1, keepsWeek: false };
const measured: Measured = { single, packed, eventBytes: 100, logBytes: 4_096, flinkCpu: 3.5, kafkaStreamsCpu: 10 };
const deployed: Deployed = { packed: false, window: 5, batchSize: 1_000, linger: 0, logs: true, ...AS_MADE };

test("a turn's figures are on a straight line between two sizes, and beyond on the last", () => {
  expect(turnOf(single, 501).cpuMillis).toBeCloseTo(6.01, 9);
  expect(turnOf(single, 501).writeUnits).toBeCloseTo(3.004, 9);
  expect(turnOf(single, 2_001).writeUnits).toBeCloseTo(9.004, 9);
  expect(turnOf(single, 0.2)).toMatchObject({ writeUnits: 1.004 });
  const falling = { ...single, turns: [turns[0]!, { ...turns[1]!, writeUnits: 0.5 }] };
  expect(turnOf(falling, 100_000).writeUnits).toBe(0.5); // a commit that is spilled takes no less when it is larger
});

test("shards are as many as records and bytes want, seven tenths full", () => {
  expect(streamOf(single, 1, 0)).toEqual({ shards: 1, records: 1, eventsPerRecord: 1 });
  expect(streamOf(single, 700, 0)).toMatchObject({ shards: 1 });
  expect(streamOf(single, 701, 0)).toMatchObject({ shards: 2 });
  expect(streamOf({ ...single, recordBytes: 10_000 }, 71, 0)).toMatchObject({ shards: 2 }); // 0.71 MB/s
  // A producer that waits a second has 20 events of a second for a record; of 10,000 it has 500.
  expect(streamOf(packed, 20, 1)).toEqual({ shards: 1, records: 1, eventsPerRecord: 20 });
  expect(streamOf(packed, 10_000, 1)).toEqual({ shards: 1, records: 20, eventsPerRecord: 500 });
});

test("a month of one event a second, by hand", () => {
  const bill = millraceBill(measured, deployed, 1);
  // 2,628,000 seconds: 525,600 turns of five events, 8,760 ticks.
  expect(bill["Kinesis"]).toBeCloseTo(730 * 0.015 + 2.628 * 0.014, 6);
  expect(bill["DynamoDB"]).toBeCloseTo(0.625 * (0.5256 * 1.02 + 0.00876 * 2) + 0.125 * (0.5256 + 0.00876), 6);
  const millis = 1.05 * (1_769 / 1_024) + 25;
  const tickMillis = 1.01 * (1_769 / 1_024) + 25;
  const seconds = 525.6 * millis + 8.76 * tickMillis;
  expect(bill["Lambda"]).toBeCloseTo(0.2 * (0.5256 + 0.00876) + seconds * 0.0000133334, 6);
  expect(bill["S3"]).toBeCloseTo((24 * 730 * 0.005) / 1_000, 6);
  expect(bill["SQS"]).toBeCloseTo(0.4 * (0.00876 * 3 + 0.9 * 0.73), 6);
  expect(bill["Firehose"]).toBeCloseTo(((525_600 * 0.5 * 1_024) / 2 ** 30) * 0.047, 6);
  expect(bill["CloudWatch"]).toBeCloseTo(((525_600 + 8_760) * 4_096 * 0.5) / 2 ** 30 + 9 + 1.7 + 3, 6);
  expect(bill["states of other containers"]).toBeCloseTo(0.0526, 3);
  // Each of a month's commits is kept for 30 days, with 400 bytes around it, and can be put back.
  const commits = ((525_600 + 8_760) / 2_628_000) * 30 * 86_400;
  expect(bill["DynamoDB, kept"]).toBeCloseTo(((commits * (205 + 400)) / 2 ** 30) * 0.45, 6);
});

test("of a way's writes the commits are kept for a month, and not the marks", () => {
  const none = { about: "", shards: 1, batch: 1_000, events: 1, invocations: 0, dynamodbRequests: 0, readUnits: 0 };
  const rest = { s3Puts: 0, s3Gets: 0, sqsRequests: 0, megabytesOut: 0, megabytesIn: 0, cpu: 0, dollars: 0 };
  const requests = { "dynamodb PutItem": 1_000, "dynamodb UpdateItem": 990 };
  const figures = { ...none, ...rest, way: "Millrace", writeUnits: 4_060, requests };
  expect(keptDollars(figures)).toBeCloseTo(((3_070 * 1_024) / 2 ** 30) * 0.45, 9);
  expect(storeDollars(figures)).toBeCloseTo(keptDollars(figures) + 4_060 * 0.625e-6, 9);
  expect(keptDollars({ ...figures, way: "Powertools idempotency" })).toBe(0);
});

test("a month without events pays for what stands: less than one of one event a second", () => {
  expect(idleDollars()).toBeCloseTo(10.95 + 0.2628 + 1.7 + 3, 6);
  expect(idleDollars()).toBeLessThan(totalOf(millraceBill(measured, deployed, 0.01)));
});

test("four shards are paid for, and records that are kept for a week, and what memory costs and spares", () => {
  const [small, large] = [
    millraceBill(measured, deployed, 1),
    millraceBill(measured, { ...deployed, memory: 1_769, shards: 4, keepsWeek: true }, 1),
  ];
  expect(large["Kinesis"]! - small["Kinesis"]!).toBeCloseTo(730 * (3 * 0.015 + 4 * 0.02), 6);
  // A shard has an event in four seconds: 1.25 in a batch's five. The processor is a whole one.
  const [turns, ticks] = [2.628 / 1.25, 4 * 0.00876];
  const seconds = 1_000 * (turns * (1.0125 + 25) + ticks * (1.01 + 25)) * (1_769 / 1_024);
  expect(large["Lambda"]).toBeCloseTo(0.2 * (turns + ticks) + seconds * 0.0000133334, 6);
});

test("a spilled commit is on S3 for sixty days", () => {
  const spilling = { ...single, turns: turns.map((turn) => ({ ...turn, tableBytes: 0, spilledBytes: 1_000_000 })) };
  const bill = millraceBill({ ...measured, single: spilling }, deployed, 1);
  const commits = ((525_600 + 8_760) / 2_628_000) * 60 * 86_400;
  expect(bill["S3"]).toBeCloseTo((24 * 730 * 0.005) / 1_000 + ((commits * 1e6) / 2 ** 30) * 0.023, 4);
});

test("a batch is no larger than its setting, what a window brings, and Lambda's payload", () => {
  const turnsOf = (rate: number, change: Partial<Deployed> = {}, shape = single) => {
    const bill = millraceBill({ ...measured, single: shape }, { ...deployed, logs: true, ...change }, rate);
    const shards = streamOf(shape, rate, 0).shards;
    return bill["states of other containers"]! / affinityOf(shards) / 2_628_000; // turns a second
  };
  expect(turnsOf(100)).toBeCloseTo(100 / 500, 6);
  expect(turnsOf(600)).toBeCloseTo(600 / 1_000, 6);
  expect(turnsOf(600, { batchSize: 10_000, window: 300 })).toBeCloseTo(
    600 / Math.floor(6e6 / (100 * (4 / 3) + 600)),
    6,
  );
  expect(turnsOf(0.01)).toBeCloseTo(0.01, 6); // without records nothing is invoked
});

test("Managed Flink pays for whole KPUs, and for one more", () => {
  expect(totalOf(flinkBill(measured, false, 1))).toBeCloseTo(10.95 + 0.036792 + 2 * 80.3 + 5 + 0.219, 4);
  expect(flinkBill(measured, false, 200_000)["KPUs"]).toBeCloseTo(2 * 80.3 + 5, 6); // 0.7 processors, seven tenths of one
  expect(flinkBill(measured, false, 200_001)["KPUs"]).toBeCloseTo(3 * 80.3 + 10, 6);
});

test("Kafka Streams pays for brokers, and for what goes between zones", () => {
  const bill = kafkaStreamsBill(measured, false, 1_000); // 0.1 MB/s, 0.01 processors
  expect(bill["MSK"]).toBeCloseTo(3 * 0.0456 * 730 + ((1_000 * 100 * 86_400 * 3) / 2 ** 30) * 0.1, 6);
  expect(bill["Fargate"]).toBeCloseTo((0.25 * 0.03238 + 2 * 0.00356) * 730, 6);
  expect(bill["between zones"]).toBeCloseTo(((1_000 * 100 * 2_628_000) / 2 ** 30) * (2 / 3) * 0.02, 6);
  expect(kafkaStreamsBill(measured, false, 20_000)["MSK"]).toBeGreaterThan(3 * 0.21 * 730); // 2 MB/s
  expect(kafkaStreamsBill(measured, false, 100_000)["Fargate"]).toBeCloseTo((2 * 0.03238 + 4 * 0.00356) * 730, 6);
  // Packed, 500 events are 5,000 bytes in place of 50,000: what is compressed is a tenth, and processors do as much.
  const compressed = kafkaStreamsBill(measured, true, 10_000);
  expect(compressed["MSK"]).toBeCloseTo(bill["MSK"]!, 6);
  expect(compressed["between zones"]).toBeCloseTo(bill["between zones"]!, 6);
  expect(compressed["Fargate"]).toBe(kafkaStreamsBill(measured, false, 10_000)["Fargate"]);
});

test("flock's part is a tenth to a twentieth of the KPUs', beside the stream", () => {
  const [least, most] = flockDollars(measured, 1);
  expect([least, most].map((n) => n - flinkBill(measured, true, 1)["Kinesis"]!)).toEqual([
    expect.closeTo(165.6 / 20, 6),
    expect.closeTo(165.6 / 10, 6),
  ]);
});

test("what containers lose by older states is between what was simulated", () => {
  expect([1, 10, 100, 1_000].map(affinityOf)).toEqual([0.1e-6, 1.9e-6, 4.4e-6, 4.4e-6]);
  expect(affinityOf(32)).toBeCloseTo(3.16e-6, 8);
});

test("the rates are found between which one is cheaper: none, all, or some", () => {
  const of = (dollars: (rate: number) => number) => (_: Measured, rate: number) => ({ all: dollars(rate) });
  const between = (own: (rate: number) => number, other = 100) =>
    cheaperBetween(
      measured,
      of(own),
      of(() => other),
    );
  expect(between((rate) => rate)).toEqual([[1, expect.closeTo(95.5, 0)]]);
  expect(between((rate) => 1e5 / rate)).toEqual([[expect.closeTo(1_047, 0), 1e5]]);
  expect(between(() => 1)).toEqual([[1, 1e5]]);
  expect(between(() => 101)).toEqual([]);
  expect(between((rate) => (rate < 10 || rate > 1_000 ? 1 : 101))).toHaveLength(2);
});
