import { BREAKER_POLICY, DELIVERY_POLICY, type BreakerPolicy, type DeliveryPolicy } from "../operators/backpressure.ts";
import { infrastructureError } from "../errors.ts";
import { CircuitBreaker, type BreakerState } from "./circuit-breaker.ts";
import type { Wait } from "./retries.ts";

export interface BreakersSettings {
  /** By sink; others have {@link DELIVERY_POLICY}. */
  readonly policies?: ReadonlyMap<string, DeliveryPolicy>;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to 1, another one each time. */
  readonly jitter: () => number;
  /** Is told when a sink's, or an operator's lookups', is opened, tried or closed. */
  readonly changed?: (name: string, state: BreakerState) => void;
}

/** The code of what an open breaker refuses. */
export const BREAKER_OPEN = "breaker/open";

/** The circuit breakers of a process: one for each sink, and for the lookups of each operator. Nothing else knows of them. */
export class Breakers {
  readonly #settings: BreakersSettings;
  readonly #all = new Map<string, CircuitBreaker>();

  constructor(settings: BreakersSettings) {
    this.#settings = settings;
  }

  policyOf(sink: string): DeliveryPolicy {
    return this.#settings.policies?.get(sink) ?? DELIVERY_POLICY;
  }

  /** For what tries again to deliver to a sink: with its policy's patience, and a probe with none. */
  waitOf(sink: string, wait: Wait): Wait {
    const patience = () => (this.ofSink(sink).state === "closed" ? this.policyOf(sink).patience : 0);
    const own = Object.assign((millis: number) => wait(millis), wait);
    return Object.defineProperty(own, "patience", { get: patience });
  }

  ofSink(sink: string): CircuitBreaker {
    return this.#get(sink, this.policyOf(sink).breaker);
  }

  /** @param operator its name; no sink has one with a colon */
  ofLookups(operator: string, policy: BreakerPolicy = BREAKER_POLICY): CircuitBreaker {
    return this.#get(`lookups:${operator}`, policy);
  }

  /** Names of those that are not closed. */
  get open(): readonly string[] {
    return [...this.#all].filter(([, { state }]) => state !== "closed").map(([name]) => name);
  }

  #get(name: string, policy: BreakerPolicy): CircuitBreaker {
    let breaker = this.#all.get(name);
    if (breaker === undefined) {
      const { now, jitter, changed } = this.#settings;
      breaker = new CircuitBreaker({ policy, now, jitter, changed: (state) => changed?.(name, state) });
      this.#all.set(name, breaker);
    }
    return breaker;
  }
}

/** @param what is down, as a sentence begins */
export const breakerOpen = (what: string, wait: number) =>
  infrastructureError({
    code: BREAKER_OPEN,
    message: `${what} has failed several times in a row and is left alone for another ${Math.ceil(wait / 1_000)} s.`,
    advice: "Nothing is lost: it comes again, and one attempt is made when the pause is over.",
  });
