import { bigint, kinesis, lake, list, map, pipeline, reducing, text, value } from "millrace";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import type { Gate } from "../../lib/testing/gated.ts";
import { MemoryPipeline } from "../../lib/testing/memory-pipeline.ts";
import { Draws } from "../../lib/testing/simulation/draws.ts";
import type { CellDeclarations } from "../../lib/operators/process/cell.ts";
import { event, type Event } from "../support/events-pipeline.ts";
import { Rig, SMALL_LIMITS } from "../support/rig.ts";
import { neighbours, Shards } from "../support/shards.ts";

const KEYS = ["a", "b", "c", "d", "e", "f", "g", "h"];

/** What a task has seen, in every kind of state, told with each record. */
const cells = {
  total: reducing(z.bigint(), (a, b) => a + b, { initial: 0n }),
  seen: list(z.number()),
  last: map(z.string(), z.number()),
  most: value(z.number(), { unite: (a, b) => Math.max(a, b) }),
};

const seeing = () =>
  pipeline(
    "seeing",
    (flow) => {
      const events = kinesis("events", {
        schema: event,
        key: { key: (e) => e.key },
        eventTime: (e) => e.time,
        disorder: {},
        idle: "never",
        maxFuture: "unbounded",
      });
      flow
        .from(events)
        .byKey.process("see", {
          state: { own: value(z.number(), { initial: 0 }) },
          operatorState: cells,
          *onRecord(e, { operatorState: { total, seen, last, most }, state }) {
            total.add(BigInt(e.value));
            seen.append(e.time);
            last.set(e.key, e.time);
            most.set(Math.max(most.get() ?? 0, e.value));
            state.own.set(state.own.get() + 1);
            if (e.value === 13) throw new Error("bad luck");
            const told = [total.get(), seen.get().join(), last.entries().join(";"), most.get(), state.own.get()];
            yield { told: told.join(" ") };
          },
        })
        .to(lake("told", { told: text }));
    },
    { poison: { share: 1 } },
  );

/** The same, as anybody would write it down. */
class Model {
  total = 0n;
  seen: number[] = [];
  last = new Map<string, number>();
  most = 0;

  see({ key, value, time }: Event): string {
    this.total += BigInt(value);
    this.seen.push(time);
    this.last.set(key, time);
    this.most = Math.max(this.most, value);
    const last = [...this.last].toSorted(([a], [b]) => (a < b ? -1 : 1)).join(";");
    return [this.total, this.seen.join(), last, this.most].join(" ");
  }

  static united(low: Model, high: Model): Model {
    const model = new Model();
    model.total = low.total + high.total;
    model.seen = [...low.seen, ...high.seen];
    model.last = new Map([...high.last, ...low.last]);
    model.most = Math.max(low.most, high.most);
    return model;
  }
}

const steps = fc.array(
  fc.oneof(
    {
      weight: 5,
      arbitrary: fc.record({
        kind: fc.constant("put" as const),
        keys: fc.subarray(KEYS),
        value: fc.integer({ min: 1, max: 20 }),
        isCold: fc.boolean(),
      }),
    },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("split" as const), which: fc.nat(5) }) },
    { weight: 3, arbitrary: fc.record({ kind: fc.constant("merge" as const), which: fc.nat(5) }) },
  ),
  { maxLength: 16 },
);

test("a task's own state: a split leaves it to the low half, a merge unites it, and nothing is lost or counted twice", async () => {
  await fc.assert(
    fc.asyncProperty(steps, fc.boolean(), async (input, checkpoints) => {
      const rig = new Rig(seeing());
      const shards = new Shards(rig);
      const models = new Map([[shards.open[0]!, new Model()]]);
      const own = new Map<string, number>();
      const expected: string[] = [];
      let time = 0;
      for (const step of input) {
        const { open } = shards;
        if (step.kind === "put") {
          for (const key of step.keys) {
            const one = { key, value: step.value, time: ++time };
            const model = models.get(shards.put(one))!;
            if (one.value === 13) continue; // X7: what a dead letter did is undone
            own.set(key, (own.get(key) ?? 0) + 1);
            expected.push(`${model.see(one)} ${own.get(key)!}`);
          }
          for (const id of open) await shards.read(id, checkpoints ? { limits: SMALL_LIMITS } : {});
        } else if (step.kind === "split" && open.length < 6) {
          const parent = open[step.which % open.length]!;
          const [low, high] = shards.split(parent);
          models.set(low, models.get(parent)!).set(high, new Model());
        } else if (step.kind === "merge" && open.length > 1) {
          const [a, b] = [open[step.which % open.length]!, open[(step.which + 1) % open.length]!];
          const pair = neighbours(rig, a, b);
          if (pair === undefined) continue;
          const [low, high] = pair;
          models.set(shards.merge(a, b), Model.united(models.get(low)!, models.get(high)!));
        }
      }
      expect(
        rig
          .rows<{ told: string }>("told")
          .map(({ told }) => told)
          .toSorted(),
      ).toEqual(expected.toSorted());
    }),
    { numRuns: 150 },
  );
});

const everyone = pipeline("everyone", (flow) => {
  const events = kinesis("events", { schema: event, eventTime: (e) => e.time, disorder: {} });
  flow
    .from(events)
    .keyBy("by-key", { key: (e) => e.key })
    .process("see", {
      operatorState: { total: cells.total, seen: cells.seen },
      *onRecord(e, { operatorState: { total, seen } }) {
        total.add(BigInt(e.value));
        seen.append(e.time);
        yield { at: BigInt(e.time), total: total.get(), seen: seen.get().join() };
      },
    })
    .to(lake("told", { at: bigint, total: bigint, seen: text }));
});

const dying = (draws: ReturnType<Draws["stream"]>) => (): Gate => {
  let isDead = false;
  return async (_request, carryOut) => {
    if (!isDead && !draws.chance(0.04)) return carryOut();
    const isCarriedOut = !isDead && draws.chance(0.5);
    isDead = true;
    if (isCarriedOut) await carryOut();
    throw new Error("dies here");
  };
};

test.each(Array.from({ length: 10 }, (_, seed) => seed))(
  "behind a shuffle, however its shards were split and merged while processes died: once all are one, it has seen each record once, seed %i",
  async (seed) => {
    const draws = new Draws(seed).stream("events");
    const run = new MemoryPipeline(everyone, { shards: 2, internalShards: 2, batchSize: 9, gateOf: dying(draws) });
    const { stream } = run.stage("by-key");
    const open = () =>
      stream.shards.filter(({ isOpen }) => isOpen).sort((a, b) => (a.range.from < b.range.from ? -1 : 1));
    let sum = 0;
    let time = 0;
    const put = (value: number) => {
      run.put("events", { key: draws.pick(KEYS), value, time: ++time }, `random ${time}`);
      sum += value;
    };
    for (let round = 0; round < 8; round++) {
      for (let i = 0; i < 15; i++) put(draws.between(1, 100));
      if (draws.chance(0.7)) await run.run();
      const shards = open();
      const at = draws.between(0, shards.length - 1);
      if (draws.chance(0.5) || at + 1 === shards.length) stream.split(shards[at]!);
      else stream.merge(shards[at]!, shards[at + 1]!);
      if (draws.chance(0.5)) await run.run();
    }
    await run.run();
    for (let [a, b] = open(); b !== undefined; [a, b] = open()) stream.merge(a!, b);
    put(1);
    await run.drain();
    const rows = run.rows<{ at: number; total: number; seen: string }>("told");
    expect(rows).toHaveLength(time);
    const last = rows.find(({ at }) => at === time)!;
    expect(last.total).toBe(sum);
    expect(
      last.seen
        .split(",")
        .map(Number)
        .toSorted((a, b) => a - b),
    ).toEqual(Array.from({ length: time }, (_, i) => i + 1));
  },
);

describe("what cannot be", () => {
  const building = (operatorState: object) => () =>
    pipeline("p", (flow) => {
      const events = kinesis("events", { schema: event, key: { key: (e) => e.key }, eventTime: () => 0, disorder: {} });
      flow
        .from(events)
        .byKey.process("see", { operatorState: operatorState as CellDeclarations, onRecord: () => undefined });
    });

  test.each([
    ["a value that does not say how two become one", { most: value(z.number()) }, /"most".*unite/],
    ["a time to live", { seen: list(z.number(), { ttl: { hours: 1 } }) }, /"seen".*time to live/],
    ["what is no state", { seen: [] }, /"seen" that is none/],
  ])("%s is refused when the pipeline is built", (_what, state, message) => {
    expect(building(state)).toThrow(message);
  });

  test("a key's value that says how two become one is refused: no key has two", () => {
    expect(() =>
      pipeline("p", (flow) => {
        const events = kinesis("events", {
          schema: event,
          key: { key: (e) => e.key },
          eventTime: () => 0,
          disorder: {},
        });
        flow.from(events).byKey.process("see", { state: { most: cells.most }, onRecord: () => undefined });
      }),
    ).toThrow(/"most".*unite/);
  });

  test("X10: a function that fails to unite stops the merged task, and a mended one goes on where the parents ended", async () => {
    const deployed = (reduce: (a: number, b: number) => number) =>
      pipeline("p", (flow) => {
        const events = kinesis("events", {
          schema: event,
          key: { key: (e) => e.key },
          eventTime: () => 0,
          disorder: {},
        });
        flow
          .from(events)
          .byKey.process("see", {
            operatorState: { total: reducing(z.number(), reduce, { initial: 0 }) },
            *onRecord(e, { operatorState: { total } }) {
              total.add(e.value);
              yield { total: BigInt(total.get()) };
            },
          })
          .to(lake("told", { total: bigint }));
      });
    const rig = new Rig(
      deployed((a, b) => {
        if (a > 0) throw new Error("not these");
        return a + b;
      }),
    );
    const shards = new Shards(rig);
    const [low, high] = shards.split(shards.open[0]!);
    const putInto = (id: string, value: number) => {
      const key = KEYS.find((one) => shards.of(one) === id)!;
      shards.put({ key, value, time: 0 });
    };
    putInto(low, 1);
    putInto(high, 2);
    await shards.read(low);
    await shards.read(high);
    const merged = shards.merge(low, high);
    putInto(merged, 4);
    await expect(shards.read(merged)).rejects.toMatchObject({
      kind: "systemic",
      code: "state/unite",
      message: expect.stringMatching(/"total" of operator "see".*not these/),
    });
    expect(await rig.header(merged)).toBeUndefined();
    rig.deploy(
      deployed((a, b) => a + b),
      "mended",
    );
    await shards.read(merged);
    expect(rig.rows<{ total: number }>("told").map(({ total }) => total)).toEqual([1, 2, 7]);
  });
});
