import type { Partition } from "../../state/partition.ts";

/** A record to be put. */
export interface InternalRecord {
  readonly partitionKey: string;
  /** The partition that takes it, by the start of its range (32 hexadecimal digits), where that is not the partition key's. */
  readonly hash?: string;
  readonly text: string;
}

/** The stream between stages, as its writers see it. Raises infrastructure errors for what the service cannot do now. */
export interface InternalStream {
  /**
   * Puts all, in any order.
   *
   * @returns the partition that took each, in the order given
   * @throws once not all were taken after some attempts; some may have been
   */
  put(records: readonly InternalRecord[]): Promise<readonly string[]>;
  /** The partitions that take records now. @param fresh whether an answer from before will not do */
  open(fresh: boolean): Promise<readonly Partition[]>;
}
