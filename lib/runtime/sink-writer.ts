import { messageOf } from "../errors.ts";
import type { CutText } from "../state/cut-text.ts";

/** An output on its way out. */
export interface Delivery {
  /** The same at every attempt (X4). */
  readonly id: string;
  readonly body: string;
  /** Its place among the commit's outputs, where that is known beside the id. */
  readonly index?: number;
  /** The body, where it was cut and nobody has asked for it as one text. */
  readonly cut?: CutText | undefined;
}

/** An output that the sink will never take. */
export interface Refusal {
  readonly delivery: Delivery;
  readonly message: string;
}

/** A delivery that failed in the middle: another attempt goes on from there. */
export class InterruptedDelivery extends Error {
  /** So many deliveries, from the first on, are with the sink or were refused. */
  readonly count: number;
  /** Which of these were refused for good. */
  readonly refusals: readonly Refusal[];

  constructor(count: number, cause: unknown, refusals: readonly Refusal[] = []) {
    super(messageOf(cause), { cause });
    this.count = count;
    this.refusals = refusals;
  }
}

/** The part of a sink that talks to its system. */
export interface SinkWriter {
  /**
   * Delivers all, in any number of requests. May be called again with the same.
   *
   * @returns what the sink refuses for good
   * @throws what failed and may succeed later: {@link InterruptedDelivery} says how much was delivered, anything
   *   else that nothing was
   */
  deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]>;
}

/** A pipeline's sinks by name, `$dead-letters` and `$ticks` among them. */
export type SinkWriters = ReadonlyMap<string, SinkWriter>;
