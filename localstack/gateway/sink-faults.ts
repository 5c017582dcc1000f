import type { Faults } from "../faults.ts";
import type { Clock } from "../clock.ts";
import type { GatewayAnswer, Outcome } from "./exchange.ts";

/** How a service says that it failed, in its own wire shape. */
export type FailureAnswer = (status: 500 | 503) => GatewayAnswer;

/** Carries out a sink's request with the faults that the plan has for sinks. */
export async function throughSinkFaults(
  faults: Faults,
  clock: Clock,
  isWrite: boolean,
  failure: FailureAnswer,
  carryOut: () => Promise<Outcome>,
): Promise<Outcome> {
  if (faults.strikes("delaySink")) {
    faults.injectedOne("delaySink");
    await clock.sleep(faults.fraction("delaySink") * faults.delayMillis);
  }
  if (faults.strikes("failSink")) {
    faults.injectedOne("failSink");
    return failure(faults.fraction("failSink") < 0.5 ? 500 : 503);
  }
  const outcome = await carryOut();
  if (isWrite && outcome !== "cut" && outcome.status < 300 && faults.strikes("repeatSink")) {
    faults.injectedOne("repeatSink");
    return failure(500);
  }
  return outcome;
}

/**
 * Which of `count` entries of a batch fail: none, or some but never all (a batch that fails as a whole is
 * `failSink`'s).
 */
export function partlyFailing(faults: Faults, count: number): ReadonlySet<number> {
  const failing = new Set<number>();
  if (count < 2 || !faults.strikes("failSinkPartly")) return failing;
  const share = faults.fraction("failSinkPartly");
  for (let index = 0; index < count && failing.size < count - 1; index++) {
    if (faults.fraction("failSinkPartly") < share) failing.add(index);
  }
  if (failing.size === 0) failing.add(Math.floor(faults.fraction("failSinkPartly") * count));
  faults.injectedOne("failSinkPartly");
  return failing;
}
