import type { DrawStream } from "../../../lib/testing/simulation/draws.ts";

/** What may happen at a request to a store, a sink or a stream. */
export const REQUEST_FAULTS = ["refused", "answer lost", "killed before", "killed after", "hung"] as const;

export type RequestFault = (typeof REQUEST_FAULTS)[number];

/** What else may happen: to batches, and to streams. */
export const OTHER_FAULTS = ["cut", "repeated", "resharded", "taken twice", "taken in part"] as const;

export type OtherFault = (typeof OTHER_FAULTS)[number];

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
    return this.#happens("resharded", 0.02);
  }

  /** Whether a stream takes no more of what is put now. */
  interrupts(): boolean {
    return this.#happens("taken in part", 0.002);
  }

  /** Whether a stream takes a record twice: its producer did not hear of the first time. */
  repeats(): boolean {
    return this.#happens("taken twice", 0.02);
  }

  shuffled<T>(items: readonly T[]): readonly T[] {
    return this.#draws.shuffled(items);
  }

  /** Whether a process that hangs goes on now. */
  thaws(): boolean {
    return this.#draws.chance(0.2);
  }

  #happens(fault: OtherFault, probability: number): boolean {
    if (!this.#draws.chance(probability)) return false;
    this.#counted(fault);
    return true;
  }

  #counted<F extends RequestFault | OtherFault>(fault: F): F {
    this.counts.set(fault, (this.counts.get(fault) ?? 0) + 1);
    return fault;
  }
}
