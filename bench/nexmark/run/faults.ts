import type { DrawStream } from "../../../lib/testing/simulation/draws.ts";

/** What may happen at a request to a store, a sink or a stream. */
export const REQUEST_FAULTS = ["refused", "answer lost", "killed before", "killed after", "hung"] as const;

export type RequestFault = (typeof REQUEST_FAULTS)[number];

/** What else may happen: to batches, and to streams. */
export type OtherFault = "cut" | "repeated" | "resharded";

/** Draws what goes wrong. Counts what did. */
export class FaultPlan {
  readonly #draws: DrawStream;
  readonly #rate: number;
  readonly counts = new Map<RequestFault | OtherFault, number>();

  /** @param rate the probability that a request fails in some way */
  constructor(draws: DrawStream, rate: number) {
    this.#draws = draws;
    this.#rate = rate;
  }

  /** What happens to the next request. */
  next(): RequestFault | undefined {
    if (!this.#draws.chance(this.#rate)) return undefined;
    return this.#counted(this.#draws.pick(REQUEST_FAULTS));
  }

  /** How many of the next records a batch has, and how many before them it gives again. */
  batch(largest: number): { readonly size: number; readonly again: number } {
    const size = this.#draws.chance(0.5) ? largest : this.#draws.between(1, largest);
    if (size < largest) this.#counted("cut");
    if (!this.#draws.chance(0.2)) return { size, again: 0 };
    this.#counted("repeated");
    return { size, again: this.#draws.between(1, largest) };
  }

  /** Whether a stream is resharded now. */
  reshards(): boolean {
    if (!this.#draws.chance(0.02)) return false;
    this.#counted("resharded");
    return true;
  }

  /** Whether a process that hangs goes on now. */
  thaws(): boolean {
    return this.#draws.chance(0.2);
  }

  #counted<F extends RequestFault | OtherFault>(fault: F): F {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return fault;
  }
}
