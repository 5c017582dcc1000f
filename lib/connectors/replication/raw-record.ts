import type { StandardSchemaV1 } from "@standard-schema/spec";
import { definitionError } from "../../errors.ts";

/** A header: its name, and its value's bytes or none. Names may come more than once. */
export type RawHeader = readonly [name: string, value: Uint8Array | null];

/** A record as its source has it: bytes that nobody has looked into. */
export interface RawRecord {
  /** Null where the record has none: of Kinesis never. */
  readonly key: Uint8Array | null;
  /** Null for a tombstone, which Kinesis does not know but in copies of Kafka's. */
  readonly value: Uint8Array | null;
  /** In their order, without those that say where a copy comes from. */
  readonly headers: readonly RawHeader[];
  /** Epoch milliseconds: Kafka's timestamp, Kinesis's arrival; of a copy that of what was copied. */
  readonly timestamp: number;
  readonly origin: Origin;
  /** Where it was read, copy or not. */
  readonly place: Place;
}

/** Where a record was produced. It is the same for all copies of it, and copies of these. */
export interface Origin {
  /**
   * The record's one name: `cluster/stream/partition/sequence`, of where it was produced. Whoever sees two copies of one name
   * sees one record.
   */
  readonly id: string;
  /** Every cluster that it has been in: where it was produced first, where it was read last. */
  readonly clusters: readonly string[];
}

/** A place in a source. */
export interface Place {
  readonly partition: string;
  /** A sequence number or offset. */
  readonly sequence: string;
  /** Which of the records that are packed in one. */
  readonly index: number;
  /** Of a partition of Kafka: its number. */
  readonly number?: number;
}

/** What source, or sink, is of which cluster. */
const CLUSTER = /^[a-z][a-z0-9-]{0,31}$/;

/** @param what names the source or sink @throws definition error `replication/cluster` */
export function checkCluster(what: string, cluster: unknown): string {
  if (isCluster(cluster)) return cluster;
  throw definitionError({
    code: "replication/cluster",
    message: `${what}: the cluster cannot be named ${JSON.stringify(cluster)}.`,
    advice: "Names of clusters begin with a letter and have at most 32 lower case letters, digits and -.",
  });
}

export const isCluster = (text: unknown): text is string => typeof text === "string" && CLUSTER.test(text);

const isBytes = (value: unknown): boolean => value === null || value instanceof Uint8Array;

/** The schema of sources whose records are taken as they are: their format makes no other. */
export const RAW_RECORD: StandardSchemaV1<RawRecord> = {
  "~standard": {
    version: 1,
    vendor: "millrace",
    validate: (value) => {
      const { key, value: payload, origin } = (value ?? {}) as Partial<RawRecord>;
      if (isBytes(key) && isBytes(payload) && typeof origin?.id === "string") return { value: value as RawRecord };
      return { issues: [{ message: "It is no record as its source has it." }] };
    },
  },
};
