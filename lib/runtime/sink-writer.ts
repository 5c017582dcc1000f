/** An output on its way out. */
export interface Delivery {
  /** The same at every attempt (X4). */
  readonly id: string;
  readonly body: string;
}

/** An output that the sink will never take. */
export interface Refusal {
  readonly delivery: Delivery;
  readonly message: string;
}

/** The part of a sink that talks to its system. */
export interface SinkWriter {
  /**
   * Delivers all, in any number of requests. May be called again with the same.
   *
   * @returns what the sink refuses for good
   * @throws what failed and may succeed later: nothing counts as delivered then
   */
  deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]>;
}

/** A pipeline's sinks by name, `$dead-letters` and `$ticks` among them. */
export type SinkWriters = ReadonlyMap<string, SinkWriter>;
