import type { Address } from "../plan/bindings.ts";
import type { IncomingRecord } from "../runtime/record.ts";
import type { SourcePartitions } from "../runtime/source-partitions.ts";
import type { Services } from "./services.ts";

/** One partition's records of an event, in their order; there is at least one. */
export interface PartitionRecords {
  readonly partition: string;
  readonly records: readonly IncomingRecord[];
}

/** The face of a source that is asked while a function runs: what its mapping sends, and how its system is asked. */
export interface SourceConnector {
  /**
   * An event's text as `parse` has it, which is JSON.parse. Of events of this kind it may put off what `recordsOf` does not need,
   * until somebody looks at it.
   */
  readonly parseEvent?: (text: string, parse: (text: string) => unknown) => unknown;
  /** Whether an event is of a mapping of this kind. */
  isEvent(event: unknown): boolean;
  /**
   * A mapping's event as records by partition. All of it is checked before any of it is folded.
   *
   * @throws systemic errors for events of other sources, and of another shape than Lambda gives them
   */
  recordsOf(event: unknown, address: Address): readonly PartitionRecords[];
  /**
   * For systems whose events do not say which partition they are of: asks for it. What `recordsOf` gave in its place names a
   * record.
   *
   * @throws infrastructure errors
   */
  locate?(records: PartitionRecords, address: Address, services: Services): Promise<PartitionRecords>;
  /** What Lambda calls the record that a partition must come again from. */
  itemOf(partition: PartitionRecords, address: Address): unknown;
  /** The system's partitions. */
  partitions(address: Address, services: Services): SourcePartitions;
}
