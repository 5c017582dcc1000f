import type { PartitionRecords } from "../../lib/connectors/source-connector.ts";

export const ARN = "arn:aws:kinesis:us-east-1:000000000000:stream/events";

/** What a handler saw of an event. */
export interface Seen {
  readonly isUnparsed: boolean;
  readonly shards: readonly PartitionRecords[];
  readonly records: readonly unknown[];
}
