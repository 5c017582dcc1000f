import { DELIVERY_POLICY } from "../operators/backpressure.ts";

/**
 * Waits so many milliseconds; and what a process knows beside that, for whoever tries again. A plain function is one of a
 * process whose time does not end.
 */
export interface Wait {
  (millis: number): Promise<void>;
  /** From 0 to 1: how much of a pause's second half is waited, so that those that failed together do not come together. @default 1 */
  readonly jitter?: () => number;
  /** Milliseconds that the invocation has left for waiting and trying again. @default any number of them */
  readonly left?: () => number;
  /** Milliseconds that are waited in all. @default ten seconds */
  readonly patience?: number;
  /** Is told of every attempt after the first. */
  readonly retried?: () => void;
}

/** Milliseconds: the first pause is doubled up to the longest. */
export interface Pauses {
  readonly first: number;
  readonly longest: number;
  /** In all. @default the wait's patience */
  readonly patience?: number;
}

const PAUSES: Pauses = { first: 50, longest: 2_000 };

/** Whether the invocation has no time for another request. */
export const isOutOfTime = ({ left }: Wait): boolean => left !== undefined && left() <= 0;

/**
 * The one way in which something is tried again: after pauses that double, with jitter, until patience has ended or the
 * invocation's time has. By default for about ten seconds in all: giving up fails the turn, and another goes on from there.
 *
 * A request under way is never abandoned: what it sends could arrive after the next commit's outputs.
 */
export class Retries {
  readonly #wait: Wait;
  readonly #pauses: Pauses;
  #waited = 0;
  /** The number of the attempt that is under way. */
  attempt = 1;

  constructor(wait: Wait, pauses: Pauses = PAUSES) {
    this.#wait = wait;
    this.#pauses = pauses;
  }

  /**
   * Waits until the next attempt.
   *
   * @param atLeast milliseconds that the other side wants to be left alone
   * @returns whether there is one
   */
  async again(atLeast = 0): Promise<boolean> {
    const wait = this.#wait;
    const { first, longest, patience = wait.patience ?? DELIVERY_POLICY.patience } = this.#pauses;
    const full = Math.min(first * 2 ** (this.attempt - 1), longest);
    const pause = Math.max(full * (0.5 + (wait.jitter?.() ?? 1) / 2), atLeast);
    if (this.#waited + pause > patience || pause >= (wait.left?.() ?? Number.POSITIVE_INFINITY)) return false;
    this.#waited += pause;
    this.attempt++;
    wait.retried?.();
    await wait(pause);
    return true;
  }
}
