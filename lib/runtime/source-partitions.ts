import type { Partition } from "../state/partition.ts";

/** What the runtime asks of a task's source. Raises infrastructure errors for what the service cannot do now. */
export interface SourcePartitions {
  /** Open partitions, and closed ones as long as the source keeps records of them. */
  list(): Promise<readonly Partition[]>;
  /** Whether a listed partition holds nothing after a position (X12). Empty: the position before all records. */
  isAtTip(partition: string, sequence: string): Promise<boolean>;
}
