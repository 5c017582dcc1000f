import {
  eventTime,
  kinesis,
  lake,
  list,
  map,
  pipeline,
  text,
  timestamp,
  value,
  bigint,
  processingTime,
} from "millrace";
import fc from "fast-check";
import { expect, test } from "vitest";
import { z } from "zod";
import { taskName } from "../../lib/state/task-id.ts";
import { event } from "../support/events-pipeline.ts";
import { Rig } from "../support/rig.ts";
import { neighbours, Shards } from "../support/shards.ts";

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** Every kind of state, each counting a key's records; timers that tell it at the end. */
const counting = () =>
  pipeline("counting", (flow) => {
    const events = kinesis("events", {
      schema: event,
      key: { key: (e) => e.key },
      eventTime: (e) => e.time,
      disorder: { millis: 5 },
      idle: "never",
      maxFuture: "unbounded",
    });
    flow
      .from(events)
      .byKey.process("count", {
        state: {
          one: value(z.number(), { initial: 0 }),
          many: list(z.number()),
          named: map(z.number(), z.number(), { ttl: { days: 1 } }),
        },
        timers: { end: eventTime, later: processingTime },
        *onRecord(_event, { key, state, timers, time }) {
          state.one.set(state.one.get() + 1);
          state.many.append(time);
          state.named.set(state.one.get(), time);
          timers.end.set(1_000);
          timers.later.after({ hours: 1 });
          yield { key: key.key, what: "seen", count: state.one.get(), at: time };
        },
        *onTimer(timer, { key, state, time }) {
          const counts = new Set([state.one.get(), state.many.get().length, state.named.entries().length]);
          for (const count of counts) yield { key: key.key, what: timer, count, at: time };
        },
      })
      .to(lake("rows", { key: text, what: text, count: bigint, at: timestamp }));
  });

interface Row {
  readonly key: string;
  readonly what: string;
  readonly count: number;
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 4,
      arbitrary: fc.record({ kind: fc.constant("put" as const), keys: fc.subarray(KEYS), time: fc.nat(100) }),
    },
    { weight: 2, arbitrary: fc.record({ kind: fc.constant("split" as const), which: fc.nat(5) }) },
    { weight: 1, arbitrary: fc.record({ kind: fc.constant("merge" as const), which: fc.nat(5) }) },
  ),
  { maxLength: 10 },
);

test("state and timers follow their key through splits and merges: nothing is lost, nothing fires twice", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (input, wakes) => {
      const rig = new Rig(counting());
      const shards = new Shards(rig);
      const puts = new Map<string, number>();
      const readOpen = async () => {
        for (const id of shards.open) await shards.read(id);
      };
      for (const step of input) {
        const { open } = shards;
        if (step.kind === "put") {
          for (const key of step.keys) {
            shards.put({ key, time: step.time, value: 1 });
            puts.set(key, (puts.get(key) ?? 0) + 1);
          }
          await readOpen();
        } else if (step.kind === "split" && open.length < 5) {
          shards.split(open[step.which % open.length]!);
        } else if (step.kind === "merge" && open.length > 1) {
          const [a, b] = [open[step.which % open.length]!, open[(step.which + 1) % open.length]!];
          if (neighbours(rig, a, b) !== undefined) shards.merge(a, b);
        }
      }
      if (wakes) {
        rig.now += 3_600_000;
        for (const id of shards.open) await rig.process().control({ type: "sweep", task: taskName(rig.idOf(id)) });
      }
      for (const id of shards.open) await rig.process().control({ type: "drain", task: taskName(rig.idOf(id)) });
      const rows = rig.rows<Row>("rows");
      for (const key of KEYS) {
        const n = puts.get(key) ?? 0;
        const of = (what: string) =>
          rows.filter((row) => row.key === key && row.what === what).map(({ count }) => count);
        expect(of("seen")).toEqual(Array.from({ length: n }, (_, i) => i + 1));
        expect(of("end")).toEqual(n === 0 ? [] : [n]);
        expect(of("later")).toEqual(n === 0 || !wakes ? [] : [n]);
      }
    }),
    { numRuns: 60 },
  );
});
