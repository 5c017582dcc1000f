import fc from "fast-check";
import { describe, expect, it } from "vitest";
import type { MillraceError } from "../../lib/errors.ts";
import { breakEvenMillis } from "../../lib/lambda/break-even.ts";
import { Invocations } from "../../lib/lambda/invocations.ts";
import { BREAKER_POLICY } from "../../lib/operators/backpressure.ts";
import { Breakers } from "../../lib/runtime/breakers.ts";
import { Debts } from "../../lib/runtime/debts.ts";
import type { Wait } from "../../lib/runtime/retries.ts";

const TASK = "t";

/** A process that owes to sinks which are left alone. */
function indebted(breakEven: number, left: () => number, sinks: readonly string[] = ["a"]) {
  const clock = { now: 0 };
  const waits: number[] = [];
  const breakers = new Breakers({ now: () => clock.now, jitter: () => 1 });
  const wait: Wait = Object.assign(
    async (millis: number) => {
      waits.push(millis);
      clock.now += millis;
    },
    { left },
  );
  const debts = new Debts({ breakers, now: () => clock.now, wait, breakEven });
  const fail = (sink: string) => {
    for (let i = 0; i < BREAKER_POLICY.failures; i++) {
      const entry = breakers.ofSink(sink).enter();
      if (entry.kind === "pass") entry.settle("failure");
    }
  };
  sinks.forEach(fail);
  debts.owe(TASK, { epoch: 1, sinks });
  const isAdmitted = () =>
    debts.admit(TASK).then(
      () => true,
      (thrown: unknown) => {
        expect((thrown as MillraceError).kind).toBe("infrastructure");
        return false;
      },
    );
  return { clock, waits, breakers, debts, isAdmitted };
}

describe("a task that owes", () => {
  it("waits only where it is invoked again sooner than waiting pays, and never longer than half of the time that is left", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 200 }),
        fc.integer({ min: 0, max: 100_000 }),
        fc.array(fc.nat(300), { maxLength: 30 }),
        async (breakEven, left, gaps) => {
          const { clock, waits, isAdmitted } = indebted(breakEven, () => left);
          let isFirst = true;
          for (const gap of gaps) {
            clock.now += gap;
            const before = waits.length;
            if (await isAdmitted()) return;
            const waited = waits.slice(before);
            if (isFirst || gap >= breakEven || left <= 0) expect(waited).toEqual([]);
            else expect(waited).toHaveLength(1);
            for (const millis of waited)
              expect(millis).toBeLessThanOrEqual(Math.min(left / 2, BREAKER_POLICY.coolDown));
            isFirst = false;
          }
        },
      ),
    );
  });

  it("has its turn once one of the sinks may be tried, and when it owes nothing any more", async () => {
    const { clock, breakers, debts, isAdmitted } = indebted(0, () => 1_000, ["a", "b"]);
    expect(await isAdmitted()).toBe(false);
    const entry = breakers.ofSink("a");
    clock.now += BREAKER_POLICY.coolDown;
    const probe = entry.enter();
    expect(await isAdmitted()).toBe(true); // b may be tried
    if (probe.kind === "pass") probe.settle("failure");
    const b = breakers.ofSink("b").enter();
    if (b.kind === "pass") b.settle("failure");
    expect(await isAdmitted()).toBe(false);
    debts.settle(TASK);
    expect(await isAdmitted()).toBe(true);
  });
});

describe("an invocation's time", () => {
  it("is that of the one that ends first, less what a mark takes, and endless where there is none", async () => {
    const invocations = new Invocations();
    expect(invocations.left()).toBe(Number.POSITIVE_INFINITY);
    const at = (millis: number) => ({ getRemainingTimeInMillis: () => millis });
    await invocations.run(at(60_000), async () => {
      expect(invocations.left()).toBe(57_000);
      await invocations.run(at(10_000), async () => expect(invocations.left()).toBe(7_000));
      expect(invocations.left()).toBe(57_000);
    });
    expect(invocations.left()).toBe(Number.POSITIVE_INFINITY);
  });

  it("costs as much as being invoked again after 60 ms at a gigabyte", () => {
    expect(breakEvenMillis(1_024 ** 3)).toBeCloseTo(60, 0);
  });
});
