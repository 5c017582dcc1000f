import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { kinesis, lake, pipeline, text, timestamp } from "millrace";
import type { MillraceError } from "../../lib/errors.ts";
import { infrastructureError } from "../../lib/errors.ts";
import { BREAKER_POLICY } from "../../lib/operators/backpressure.ts";
import { InterruptedDelivery, type SinkWriter } from "../../lib/runtime/sink-writer.ts";
import type { Changelog } from "../../lib/state/changelog.ts";
import * as z from "zod";
import { record, Rig, SHARD, type RigOptions } from "../support/rig.ts";

const events = kinesis("events", {
  schema: z.object({ key: z.string(), at: z.number() }),
  eventTime: ({ at }) => at,
  disorder: { seconds: 0 },
});

/** Each event to two sinks: one that goes down, and one that does not. */
const copies = pipeline("copies", (flow) => {
  const all = flow.from(events);
  all.to(lake("first", { key: text, at: timestamp }));
  all.to(lake("second", { key: text, at: timestamp }));
});

const one = (n: number) => record(n + 100, { key: `k${n}`, at: 1_000 + n });

/** How often the changelog is asked for something. */
function counted(counts: { reads: number; puts: number }) {
  return (changelog: Changelog): Changelog =>
    new Proxy(changelog, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name);
        if (typeof value !== "function") return value;
        return (...args: unknown[]) => {
          if (name === "newest" || name === "range") counts.reads++;
          else counts.puts++;
          return (value as (...of: unknown[]) => unknown).apply(target, args);
        };
      },
    });
}

type Health = "up" | "down" | "slow";

function world() {
  const rig = new Rig(copies);
  const counts = { reads: 0, puts: 0, deliveries: 0 };
  const health = { now: "up" as Health };
  const options: RigOptions = {
    wrapChangelog: counted(counts),
    wrapSink: (name, sink): SinkWriter =>
      name !== "first"
        ? sink
        : {
            deliver: async (deliveries) => {
              counts.deliveries++;
              if (health.now === "down") throw infrastructureError({ code: "test/down", message: "It is down." });
              if (health.now === "up") return sink.deliver(deliveries);
              await sink.deliver(deliveries.slice(0, 1));
              throw new InterruptedDelivery(1, new Error("It is slow."));
            },
          },
  };
  return { rig, counts, health, process: () => rig.process(options) };
}

const codeOf = async (turn: Promise<unknown>): Promise<string> =>
  turn.then(
    () => "done",
    (thrown: unknown) => (thrown as MillraceError).code,
  );

describe("a sink that is down", () => {
  it("costs a turn nothing once its breaker is open: no read, no put, no request", async () => {
    const { rig, counts, health, process } = world();
    const runtime = process();
    await runtime.records(SHARD, [one(1)]);
    health.now = "down";
    const turn = () => codeOf(runtime.records(SHARD, [one(2)]));
    for (let i = 0; i < BREAKER_POLICY.failures; i++) expect(await turn()).toBe("delivery/failed");
    const before = { ...counts };
    for (let i = 0; i < 20; i++) expect(await turn()).toBe("breaker/open");
    expect(counts).toEqual(before);
    // The commit is there, and the other sink has what is its.
    expect(rig.rows("second")).toHaveLength(2);
    rig.now += BREAKER_POLICY.coolDown;
    expect(await turn()).toBe("delivery/failed"); // the probe
    expect(counts.deliveries).toBe(before.deliveries + 1);
    health.now = "up";
    rig.now += 2 * BREAKER_POLICY.coolDown;
    expect(await turn()).toBe("done");
    expect(rig.rows("first")).toHaveLength(2);
  });

  it("has what failed not loaded anew: each attempt reads once", async () => {
    const { counts, health, process } = world();
    const runtime = process();
    await runtime.records(SHARD, [one(1)]);
    health.now = "down";
    await codeOf(runtime.records(SHARD, [one(2)]));
    const { reads } = counts;
    await codeOf(runtime.records(SHARD, [one(2)]));
    expect(counts.reads).toBe(reads + 1);
  });

  it("does not stop a task that owes nothing to it, until it does", async () => {
    const { rig, health, process } = world();
    const runtime = process();
    health.now = "down";
    for (let i = 0; i < 5; i++) await codeOf(runtime.records(SHARD, [one(1)]));
    rig.partitions.push({ ...rig.partitions[0]!, id: "shardId-000000000001" });
    expect(await codeOf(runtime.records("shardId-000000000001", []))).toBe("done");
    const other = () => codeOf(runtime.records("shardId-000000000001", [one(1)]));
    expect(await other()).toBe("delivery/failed");
    expect(await other()).toBe("breaker/open");
    expect(rig.rows("second")).toHaveLength(2);
  });

  it("refuses every trigger of a task that owes, and drops none", async () => {
    const { rig, health, process } = world();
    const runtime = process();
    health.now = "down";
    for (let i = 0; i < 5; i++) await codeOf(runtime.records(SHARD, [one(1)]));
    const task = `copies:0:events:events.0:${SHARD}`;
    expect(await codeOf(runtime.control({ type: "sweep", task }))).toBe("breaker/open");
    expect(await codeOf(runtime.control({ type: "drain", task }))).toBe("breaker/open");
    expect(await codeOf(runtime.control({ type: "tick", task, id: "t", at: 0 }))).toBe("breaker/open");
    health.now = "up";
    rig.now += BREAKER_POLICY.coolDown;
    expect(await codeOf(runtime.control({ type: "drain", task }))).toBe("done");
    expect(rig.rows("first")).toHaveLength(1);
  });

  it("X5: nothing is lost and the order of commits is kept, whatever it does and whichever process has the turn", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(
          fc.record({
            health: fc.constantFrom<Health>("up", "down", "down", "slow"),
            process: fc.nat(2),
            millis: fc.nat(90_000),
            turns: fc.integer({ min: 1, max: 6 }),
          }),
          { maxLength: 25 },
        ),
        async (weather) => {
          const { rig, health, process } = world();
          const processes = [process(), process(), process()];
          let next = 1;
          const turn = async (runtime = processes[0]!) => {
            if ((await codeOf(runtime.records(SHARD, [one(next), one(next + 1)]))) === "done") next += 2;
          };
          for (const { health: now, process: which, millis, turns } of weather) {
            health.now = now;
            for (let i = 0; i < turns; i++) await turn(processes[which]);
            rig.now += millis;
          }
          health.now = "up";
          rig.now += BREAKER_POLICY.longestCoolDown;
          await turn();
          await turn();
          const keys = (sink: string) => rig.rows<{ key: string }>(sink).map(({ key }) => key);
          const expected = Array.from({ length: next - 1 }, (_, i) => `k${i + 1}`);
          for (const sink of ["first", "second"]) {
            // As a reader has it that goes by ids: each once, in the order in which they first came.
            expect(keys(sink)).toEqual(expected);
          }
        },
      ),
      { numRuns: 150 },
    );
  });
});
