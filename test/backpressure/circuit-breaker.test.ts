import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { CircuitBreaker, type BreakerOutcome, type Entry } from "../../lib/runtime/circuit-breaker.ts";

const POLICY = { failures: 3, coolDown: 1_000, longestCoolDown: 8_000 };

type Pass = Extract<Entry, { kind: "pass" }>;

function breakerAt(clock: { now: number }, jitter = () => 1, policy = POLICY) {
  const states: string[] = [];
  const breaker = new CircuitBreaker({ policy, now: () => clock.now, jitter, changed: (state) => states.push(state) });
  return { breaker, states };
}

const passed = (entry: Entry): Pass => {
  if (entry.kind === "refused") throw new Error("It was refused.");
  return entry;
};

type Step =
  | { readonly do: "enter" }
  | { readonly do: "settle"; readonly which: number; readonly outcome: BreakerOutcome }
  | { readonly do: "pass"; readonly millis: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.constant({ do: "enter" as const }) },
  {
    weight: 4,
    arbitrary: fc.record({
      do: fc.constant("settle" as const),
      which: fc.nat(),
      outcome: fc.constantFrom<BreakerOutcome>("failure", "failure", "failure", "success", "none"),
    }),
  },
  { weight: 2, arbitrary: fc.record({ do: fc.constant("pass" as const), millis: fc.nat(5_000) }) },
);

describe("a circuit breaker", () => {
  it("opens upon the stated failures alone, is closed by a success alone, has one probe at a time and bounded waits", () => {
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 120 }),
        fc.integer({ min: 1, max: 4 }),
        fc.double({ min: 0, max: 1, noNaN: true }),
        (steps, failures, jitter) => {
          const clock = { now: 0 };
          const policy = { ...POLICY, failures };
          const { breaker } = breakerAt(clock, () => jitter, policy);
          const underWay: { pass: Pass; isProbe: boolean }[] = [];
          let inARow = 0;
          for (const one of steps) {
            const before = breaker.state;
            const probes = underWay.filter(({ isProbe }) => isProbe).length;
            if (one.do === "pass") clock.now += one.millis;
            else if (one.do === "enter") {
              const entry = breaker.enter();
              if (entry.kind === "refused") {
                expect(before).not.toBe("closed");
                expect(entry.wait).toBeLessThanOrEqual(policy.longestCoolDown);
                if (entry.wait === 0) expect(probes).toBe(1);
              } else {
                if (before !== "closed") expect(probes).toBe(0);
                underWay.push({ pass: entry, isProbe: before !== "closed" });
              }
            } else if (underWay.length > 0) {
              const [{ pass, isProbe }] = underWay.splice(one.which % underWay.length, 1) as [
                (typeof underWay)[number],
              ];
              pass.settle(one.outcome);
              pass.settle("success"); // only the first counts
              if (one.outcome === "success") inARow = 0;
              else if (one.outcome === "failure" && before === "closed") inARow++;
              if (one.outcome === "success") expect(breaker.state).toBe("closed");
              else if (before === "closed") expect(breaker.state).toBe(inARow >= failures ? "open" : "closed");
              else if (isProbe) expect(breaker.state).toBe("open");
              else expect(breaker.state).toBe(before);
            }
            if (before !== "closed" && breaker.state === "closed")
              expect(one).toMatchObject({ do: "settle", outcome: "success" });
          }
          // Whatever came before: once nothing is under way, one is let through after the longest pause.
          for (const { pass } of underWay) pass.settle("none");
          clock.now += policy.longestCoolDown;
          expect(breaker.enter().kind).toBe("pass");
        },
      ),
      { numRuns: 2_000 },
    );
  });

  it("doubles its pause with each probe that fails, up to the longest, and begins anew after a success", () => {
    const clock = { now: 0 };
    const { breaker, states } = breakerAt(clock);
    for (let i = 0; i < 3; i++) passed(breaker.enter()).settle("failure");
    const pauses: number[] = [];
    for (let i = 0; i < 6; i++) {
      const wait = breaker.wait!;
      pauses.push(wait);
      clock.now += wait - 1;
      expect(breaker.enter().kind).toBe("refused");
      clock.now += 1;
      passed(breaker.enter()).settle("failure");
    }
    expect(pauses).toEqual([1_000, 2_000, 4_000, 8_000, 8_000, 8_000]);
    clock.now += 8_000;
    passed(breaker.enter()).settle("success");
    for (let i = 0; i < 3; i++) passed(breaker.enter()).settle("failure");
    expect(breaker.wait).toBe(1_000);
    expect(states.slice(0, 3)).toEqual(["open", "half-open", "open"]);
  });

  it("waits no longer than its longest pause where the clock is set back", () => {
    const clock = { now: 1_000_000 };
    const { breaker } = breakerAt(clock);
    for (let i = 0; i < 3; i++) passed(breaker.enter()).settle("failure");
    clock.now = 0;
    expect(breaker.wait).toBe(POLICY.longestCoolDown);
  });

  it("has those that come together wait for the probe, and go where it went", async () => {
    const clock = { now: 0 };
    const { breaker } = breakerAt(clock);
    for (let i = 0; i < 3; i++) passed(breaker.enter()).settle("failure");
    clock.now += 1_000;
    const probe = passed(await breaker.enterAfterProbe());
    const others = Promise.all([breaker.enterAfterProbe(), breaker.enterAfterProbe()]);
    probe.settle("success");
    expect((await others).map(({ kind }) => kind)).toEqual(["pass", "pass"]);
  });
});
