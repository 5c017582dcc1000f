import type { Partition } from "../state/partition.ts";

/** Records that the source has no more and that nobody folded: by their sequences, both ends included. */
export interface Loss {
  readonly from: string;
  readonly to: string;
}

/** What the runtime asks of a task's source. Raises infrastructure errors for what the service cannot do now. */
export interface SourcePartitions {
  /** Open partitions, and closed ones as long as the source keeps records of them. */
  list(): Promise<readonly Partition[]>;
  /** Whether a listed partition holds nothing after a position (X12). Empty: the position before all records. */
  isAtTip(partition: string, sequence: string): Promise<boolean>;
  /**
   * The same as `list`, but as it was a minute ago at most: of a source to which partitions are added that replace none.
   * Undefined for others.
   */
  added?(): Promise<readonly Partition[]>;
  /**
   * What was lost after a position, and before a record where one is given: of a source whose mapping tells nobody what
   * retention took from it (X6). Undefined for others.
   */
  lostAfter?(partition: string, sequence: string, before?: string): Promise<Loss | undefined>;
}
