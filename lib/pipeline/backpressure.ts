import { definitionError } from "../errors.ts";
import { BREAKER_POLICY, DELIVERY_POLICY, type BreakerPolicy, type DeliveryPolicy } from "../operators/backpressure.ts";
import { toPositiveMillis, type Duration } from "../time/duration.ts";

/** When a service that fails is left alone, so that what fails anyway costs nothing. */
export interface BreakerOptions {
  /** Failures in a row that open the breaker, from 1 on. @default 3 */
  readonly failures?: number;
  /** The first pause after it has opened; each probe that fails doubles it. @default 5 seconds */
  readonly coolDown?: Duration;
  /** The longest pause. @default 1 minute, or the first pause where that is longer */
  readonly longestCoolDown?: Duration;
}

/** How a sink's outputs are delivered. What it leaves out is sent again, whatever is set here: nothing is given up. */
export interface DeliveryOptions {
  /** Deliveries under way at once, in one process: several tasks share one. @default 16 */
  readonly concurrency?: number;
  /**
   * How long one delivery may wait, in all, between its attempts; less where the invocation ends sooner. Then the turn fails,
   * and the next one goes on from there. @default 10 seconds
   */
  readonly patience?: Duration;
  readonly breaker?: BreakerOptions;
}

/** @param what names the sink in errors @throws definition errors `sink/delivery`, `duration/invalid` */
export function deliveryPolicy(what: string, options: DeliveryOptions): DeliveryPolicy {
  const { concurrency = DELIVERY_POLICY.concurrency, patience, breaker = {} } = options;
  checkCount(`${what}.delivery.concurrency`, concurrency);
  return {
    concurrency,
    patience: millis(`${what}.delivery.patience`, patience, DELIVERY_POLICY.patience),
    breaker: breakerPolicy(`${what}.delivery.breaker`, breaker),
  };
}

/** @param what names the breaker in errors @throws definition errors `sink/delivery`, `duration/invalid` */
export function breakerPolicy(what: string, options: BreakerOptions): BreakerPolicy {
  const { failures = BREAKER_POLICY.failures } = options;
  checkCount(`${what}.failures`, failures);
  const coolDown = millis(`${what}.coolDown`, options.coolDown, BREAKER_POLICY.coolDown);
  const longest = Math.max(coolDown, BREAKER_POLICY.longestCoolDown);
  const longestCoolDown = millis(`${what}.longestCoolDown`, options.longestCoolDown, longest);
  if (longestCoolDown < coolDown) throw refuse(`${what}.longestCoolDown`, "is shorter than coolDown");
  return { failures, coolDown, longestCoolDown };
}

const millis = (what: string, duration: Duration | undefined, otherwise: number): number =>
  duration === undefined ? otherwise : toPositiveMillis(duration, what);

function checkCount(what: string, count: number): void {
  if (!Number.isSafeInteger(count) || count < 1)
    throw refuse(what, `is ${String(count)}, and no whole number above zero`);
}

const refuse = (what: string, problem: string) =>
  definitionError({ code: "sink/delivery", message: `${what} ${problem}.` });
