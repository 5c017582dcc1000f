import { count, kinesis, lake, pipeline, text, timestamp, tumbling, bigint } from "millrace";
import { expect, test } from "vitest";
import { z } from "zod";
import { Rig, record } from "../support/rig.ts";

const events = kinesis("events", {
  schema: z.object({ key: z.string(), time: z.number() }),
  key: { key: (e) => e.key },
  eventTime: (e) => e.time,
  disorder: {},
});
const rows = (name: string) => lake(name, { key: text, time: timestamp });
const keysIn = (rig: Rig, sink: string) => rig.rows<{ key: string }>(sink).map(({ key }) => key);

test("a value goes to the first branch that takes it, or to the rest; an unused branch drops its own", async () => {
  const rig = new Rig(
    pipeline("p", (flow) => {
      const { a, rest } = flow.from(events).split("by-key", {
        a: (e) => e.key.startsWith("a"),
        ab: (e) => e.key.startsWith("ab"),
        c: (e) => e.key.startsWith("c"),
      });
      a.to(rows("a"));
      rest.to(rows("others"));
    }),
  );
  const records = ["ab", "b", "a", "c", "d"].map((key, i) => record(i + 1, { key, time: i }));
  await rig.task().turn({ kind: "records", records });
  expect(keysIn(rig, "a")).toEqual(["ab", "a"]);
  expect(keysIn(rig, "others")).toEqual(["b", "d"]);
});

test("a union of a source's branches keeps their key and their order", async () => {
  const rig = new Rig(
    pipeline("p", (flow) => {
      const { a, b } = flow.from(events).split("by-key", { a: (e) => e.key === "a", b: (e) => e.key === "b" });
      const all = a.union("both", b);
      all.to(rows("all"));
      all.byKey
        .window("w", tumbling({ millis: 10 }))
        .aggregate({ n: count() })
        .to(lake("sums", { key: text, windowStart: timestamp, windowEnd: timestamp, n: bigint }));
    }),
  );
  const records = ["a", "b", "c", "a"].map((key, i) => record(i + 1, { key, time: i }));
  await rig.task().turn({ kind: "records", records });
  await rig.task().turn({ kind: "drain" });
  expect(keysIn(rig, "all")).toEqual(["a", "b", "a"]);
  expect(rig.rows<{ key: string; n: number }>("sums").map(({ key, n }) => `${key}${n}`)).toEqual(["a2", "b1"]);
});
