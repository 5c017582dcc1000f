import type { HashRange } from "../state/hash-range.ts";

/** A partition of a source as the source lists it. */
export interface Partition {
  readonly id: string;
  /** What it replaces: one when its parent was split, two when they were merged. They may be listed no more. */
  readonly parents: readonly string[];
  /** Which partition keys it takes. */
  readonly range: HashRange;
}

/** What the runtime asks of a task's source. Raises infrastructure errors for what the service cannot do now. */
export interface SourcePartitions {
  /** Open partitions, and closed ones as long as the source keeps records of them. */
  list(): Promise<readonly Partition[]>;
  /** Whether a listed partition holds nothing after a position (X12). Empty: the position before all records. */
  isAtTip(partition: string, sequence: string): Promise<boolean>;
}
