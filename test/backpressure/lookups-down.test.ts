import { kinesis, lake, pipeline, queue, text, timestamp } from "millrace";
import { describe, expect, it } from "vitest";
import * as z from "zod";
import type { MillraceError } from "../../lib/errors.ts";
import { BREAKER_POLICY } from "../../lib/operators/backpressure.ts";
import { record, Rig, SHARD } from "../support/rig.ts";

const events = kinesis("events", {
  schema: z.object({ key: z.string(), at: z.number() }),
  eventTime: ({ at }) => at,
  disorder: { seconds: 0 },
});

const named = (call: (key: string) => Promise<string>, onFailure: "retry" | "dead-letter" | { use: string }) =>
  pipeline(
    "named",
    (flow) =>
      flow
        .from(events)
        .enrich<string, string, { key: string; at: number }>("name", {
          key: ({ key }) => key,
          call,
          with: ({ at }, key) => ({ key: key ?? "none", at }),
          concurrency: 1,
          onFailure,
        })
        .to(lake("rows", { key: text, at: timestamp })),
    { poison: { share: 1 } },
  );

const batch = (first: number, count = 5) =>
  Array.from({ length: count }, (_, i) => record(100 + first + i, { key: `k${first + i}`, at: first + i }));

const codeOf = (turn: Promise<unknown>) =>
  turn.then(
    () => "done",
    (thrown: unknown) => `${(thrown as MillraceError).kind} ${(thrown as MillraceError).message}`,
  );

describe("lookups in a service that is down", () => {
  it("fail the batch without asking once the breaker is open, make no dead letter, and go on when it is back", async () => {
    const asked: string[] = [];
    let isDown = false;
    const rig = new Rig(
      named(async (key) => {
        asked.push(key);
        if (isDown) throw new Error("503");
        return key;
      }, "retry"),
    );
    const process = rig.process();
    await process.records(SHARD, batch(1));
    isDown = true;
    const turn = () => codeOf(process.records(SHARD, batch(6)));
    expect(await turn()).toContain("503");
    const { length } = asked;
    expect(length).toBe(5 + BREAKER_POLICY.failures); // the rest of the batch was not asked for
    for (let i = 0; i < 10; i++) expect(await turn()).toMatch(/^infrastructure .* left alone/);
    expect(asked).toHaveLength(length);
    rig.now += BREAKER_POLICY.coolDown;
    expect(await turn()).toContain("503");
    expect(asked).toHaveLength(length + 1); // the probe
    isDown = false;
    rig.now += 2 * BREAKER_POLICY.coolDown;
    expect(await turn()).toBe("done");
    expect(rig.rows<{ key: string }>("rows").map(({ key }) => key)).toEqual(
      Array.from({ length: 10 }, (_, i) => `k${i + 1}`),
    );
    expect(rig.deadLetters()).toEqual([]);
  });

  it.each(["dead-letter", { use: "x" }] as const)(
    "X10: keys that fail do not keep others from being asked (%o)",
    async (onFailure) => {
      const rig = new Rig(
        named(async (key) => {
          if (key !== "k9") throw new Error("404");
          return "nine";
        }, onFailure),
      );
      await rig.process().records(SHARD, batch(1, 9));
      expect(rig.rows<{ key: string }>("rows").at(-1)!.key).toBe("nine");
    },
  );
});

describe("a policy", () => {
  it("is declared with the sink or the lookup, and refused where it is none", () => {
    const lakeOf = (delivery: object) => lake("rows", { key: text }, { delivery });
    expect(lakeOf({ breaker: { coolDown: { minutes: 5 } } }).delivery).toEqual({
      ...{ concurrency: 16, patience: 10_000 },
      breaker: { failures: 3, coolDown: 300_000, longestCoolDown: 300_000 },
    });
    expect(queue("rows", { key: text }, { delivery: { concurrency: 2 } }).delivery).toMatchObject({ concurrency: 2 });
    expect(lake("rows", { key: text }).delivery).toBeUndefined();
    expect(() => lakeOf({ concurrency: 0 })).toThrow("concurrency is 0");
    expect(() => lakeOf({ breaker: { failures: 1.5 } })).toThrow("failures is 1.5");
    expect(() => lakeOf({ patience: { seconds: -1 } })).toThrow("patience");
    expect(() => lakeOf({ breaker: { coolDown: { minutes: 2 }, longestCoolDown: { minutes: 1 } } })).toThrow("shorter");
  });
});
