import type { BreakerPolicy } from "../operators/backpressure.ts";

/** What came of something that was let through: `none` says nothing of the service. */
export type BreakerOutcome = "success" | "failure" | "none";

/** Closed: all are let through. Open: nobody is. Half-open: one is, and what comes of it decides. */
export type BreakerState = "closed" | "open" | "half-open";

export type Entry =
  | { readonly kind: "pass"; readonly settle: (outcome: BreakerOutcome) => void }
  /** `wait` is how many milliseconds later it may be another answer; zero while a probe is under way. */
  | { readonly kind: "refused"; readonly wait: number; readonly settle?: never };

export interface BreakerSettings {
  readonly policy: BreakerPolicy;
  /** Epoch milliseconds. */
  readonly now: () => number;
  /** From 0 to 1: which part of a pause's second half is waited. */
  readonly jitter: () => number;
  /** Is told of every change. */
  readonly changed: (state: BreakerState) => void;
}

/**
 * Lets a service alone that failed several times in a row, for a pause that doubles with each probe that fails. Nothing but
 * a success closes it, and at most one probe is under way at a time.
 *
 * | state     | success | failure                              | the pause is over  |
 * | --------- | ------- | ------------------------------------ | ------------------ |
 * | closed    | closed  | open at the policy's number in a row | –                  |
 * | open      | closed  | open                                 | half-open          |
 * | half-open | closed  | the probe's: open, twice the pause   | –                  |
 *
 * While it is open a success or a failure is of one that was let through before.
 */
export class CircuitBreaker {
  readonly #settings: BreakerSettings;
  #state: BreakerState = "closed";
  #failures = 0;
  /** How often it opened since it was closed. */
  #openings = 0;
  /** When its pause is over: epoch milliseconds. */
  #until = 0;
  #probe: Promise<void> | undefined = undefined;

  constructor(settings: BreakerSettings) {
    this.#settings = settings;
  }

  get state(): BreakerState {
    return this.#state;
  }

  /** Milliseconds until somebody may be let through; undefined where somebody is now. */
  get wait(): number | undefined {
    if (this.#state === "closed") return undefined;
    if (this.#probe !== undefined) return 0;
    const left = this.#until - this.#settings.now();
    // Its clock may be set back meanwhile: nobody waits longer than the longest pause.
    return left > 0 ? Math.min(left, this.#settings.policy.longestCoolDown) : undefined;
  }

  enter(): Entry {
    const { wait } = this;
    if (wait !== undefined) return { kind: "refused", wait };
    const isProbe = this.#state !== "closed";
    let ended = (): void => undefined;
    if (isProbe) {
      this.#probe = new Promise((resolve) => (ended = resolve));
      this.#become("half-open");
    }
    let isSettled = false;
    const settle = (outcome: BreakerOutcome) => {
      if (isSettled) return;
      isSettled = true;
      if (isProbe) this.#probe = undefined;
      this.#settle(outcome, isProbe);
      ended();
    };
    return { kind: "pass", settle };
  }

  /** Like {@link enter}, once no probe is under way: for those that come together, and end in bounded time. */
  async enterAfterProbe(): Promise<Entry> {
    while (this.#probe !== undefined) await this.#probe;
    return this.enter();
  }

  #settle(outcome: BreakerOutcome, isProbe: boolean): void {
    if (outcome === "success") {
      this.#failures = 0;
      this.#openings = 0;
      this.#become("closed");
    } else if (this.#state === "closed") {
      if (outcome === "failure" && ++this.#failures >= this.#settings.policy.failures) this.#open();
    } else if (isProbe) {
      if (outcome === "failure") this.#open();
      else this.#become("open"); // its pause is over: the next one is the probe
    }
  }

  #open(): void {
    const { policy, now, jitter } = this.#settings;
    const pause = Math.min(policy.coolDown * 2 ** Math.min(this.#openings, 30), policy.longestCoolDown);
    this.#openings++;
    this.#until = now() + pause * (0.5 + jitter() / 2);
    this.#become("open");
  }

  #become(state: BreakerState): void {
    if (state === this.#state) return;
    this.#state = state;
    this.#settings.changed(state);
  }
}
