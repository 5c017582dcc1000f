import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import { expect, test } from "vitest";
import { isKinesisEvent, recordsByShard } from "../../../lib/connectors/kinesis/event.ts";
import { parseEvent } from "../../../lib/connectors/kinesis/unparsed-event.ts";
import { ARN, SHARDS, event, known, learn, none, parse, recordOf, sorted } from "./events.ts";

test("what was changed in an event counts", () => {
  learn(event({}));
  const changedRecords = parseEvent(event({}, {}), none) as { Records: { kinesis: { data: string } }[] };
  changedRecords.Records[0]!.kinesis.data = "eW91";
  expect(sorted(changedRecords)).toMatchObject({ value: [{ records: [{ base64: "eW91" }, { base64: "aGk=" }] }] });
});

const others = [
  recordOf({ partitionKey: "b", sequenceNumber: "7", data: "", approximateArrivalTimestamp: 1, shard: "s" }),
];
interface Event {
  Records: unknown[];
}

test.each<[string, (event: Event) => Event]>([
  ["set", (of) => Object.assign(of, { Records: others })],
  ["defined", (of) => Object.defineProperty(of, "Records", { value: others })],
  ["defined by a getter", (of) => Object.defineProperty(of, "Records", { get: () => others })],
  ["set in a sealed event", (of) => Object.assign(Object.seal(of), { Records: others })],
  [
    "deleted and set",
    (of) => {
      Reflect.deleteProperty(of, "Records");
      of.Records = others;
      return of;
    },
  ],
  ["those of an object that inherits from it", (of) => Object.create(of, { Records: { value: others } }) as Event],
  ["set in an object that inherits from it", (of) => Object.assign(Object.create(of) as Event, { Records: others })],
  [
    "those of a proxy",
    (of) => new Proxy(of, { get: (at, name): unknown => (name === "Records" ? others : Reflect.get(at, name)) }),
  ],
])("records that are %s count", (_what, replace) => {
  learn(event({}));
  const replaced = replace(parseEvent(event({}, {}), none) as Event);
  expect(replaced.Records).toBe(others);
  expect(sorted(replaced)).toMatchObject({ value: [{ partition: "s" }] });
});

test.each<[string, (event: Event) => Event]>([
  ["frozen", Object.freeze],
  ["sealed", Object.seal],
  ["behind a proxy", (of) => new Proxy(of, {})],
  ["inherited from", (of) => Object.create(of) as Event],
  ["copied", (of) => ({ ...of })],
  ["cloned", structuredClone],
])("an event that is %s has its records", (_what, make) => {
  learn(event({}));
  const text = event({}, {});
  const made = make(parseEvent(text, none) as Event);
  expect(sorted(made)).toEqual(sorted(parse(text)));
  expect(made.Records).toEqual((parse(text) as Event).Records);
  expect(made.Records).toBe(made.Records);
  expect(sorted(made)).toEqual(sorted(parse(text)));
});

test("an event without records has none", () => {
  learn(event({}));
  const of = parseEvent(event({}), none) as Event;
  Reflect.deleteProperty(of, "Records");
  expect(isKinesisEvent(of)).toBe(false);
});

test("a payload that looks like an event does not change what later events are", () => {
  learn(event({}));
  const record = { ...known, eventSourceARN: "another" };
  const payload = JSON.stringify({ Records: [{ Records: [known], ...record }] });
  parseEvent(payload, parse);
  expect(parseEvent(event({}), none)).toEqual(JSON.parse(event({})));
});

test("what is kept of events keeps no more of them", () => {
  setFlagsFromString("--expose-gc");
  const collect = runInNewContext("gc") as () => void;
  learn(event({}));
  const text = event({ data: "A".repeat(1_000_000) }, { shard: SHARDS[1]! }, { shard: SHARDS[1]! });
  const kept: unknown[] = [];
  const keep = () => {
    const shards = recordsByShard(parseEvent(text, none) as Event, ARN);
    for (const { partition, records } of shards) kept.push(partition, records.at(-1)!.position);
  };
  keep();
  collect();
  const before = process.memoryUsage().heapUsed;
  for (let i = 0; i < 50; i++) keep();
  collect();
  expect(process.memoryUsage().heapUsed - before).toBeLessThan(5_000_000);
  expect(kept).toHaveLength(204);
});
