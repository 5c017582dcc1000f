/** When one that fails is left alone, and for how long. Milliseconds. */
export interface BreakerPolicy {
  /** Failures in a row that open the breaker. */
  readonly failures: number;
  /** The first pause after it has opened; each probe that fails doubles it. */
  readonly coolDown: number;
  readonly longestCoolDown: number;
}

/** How outputs are delivered to a sink. */
export interface DeliveryPolicy {
  /** Deliveries under way at once, in one process. */
  readonly concurrency: number;
  /** Milliseconds that are waited in all between the attempts of one delivery; less where the invocation ends sooner. */
  readonly patience: number;
  readonly breaker: BreakerPolicy;
}

export const BREAKER_POLICY: BreakerPolicy = { failures: 3, coolDown: 5_000, longestCoolDown: 60_000 };

export const DELIVERY_POLICY: DeliveryPolicy = { concurrency: 16, patience: 10_000, breaker: BREAKER_POLICY };
