import { checkName } from "../../pipeline/names.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { bodyBytesFor, decodeCopy, encodeCopy } from "../replication/copy-body.ts";
import { checkCluster, type RawRecord } from "../replication/raw-record.ts";

/** What makes a sink a copy on Kinesis. */
export const STREAM_COPY = "streamCopy";

/** What a record may take, in bytes, its partition key included (AWS: Kinesis API reference, PutRecords). */
const MAX_BYTES = 1_024 * 1_024;

/** A sink that copies go to. */
export interface CopyDeclaration extends SinkDeclaration {
  /** The cluster that it is of. */
  readonly cluster: string;
}

export interface StreamCopyDeclaration extends CopyDeclaration {
  readonly oneWay: boolean;
}

/** The settings of {@link streamCopy}. */
export interface StreamCopyOptions {
  /** What the region and account of the stream are called. */
  readonly cluster: string;
  /**
   * Whether records are put as they are: their values alone, with nothing that says where they come from. For readers that read
   * no records of the KPL. Headers, keys that are no partition keys and ids are left behind, tombstones cannot be copied, and a
   * pipeline that copies back would copy for ever. @default false
   */
  readonly oneWay?: boolean;
}

/**
 * A Kinesis data stream that records are copied to, each a record of the KPL's aggregated format: readers of these get the
 * values as they are, by the same partition keys. The rest goes in tags (docs/replication.md).
 *
 * @example
 * const copy = streamCopy("orders_copy", { cluster: "dublin" });
 *
 * @param name the sink's name
 * @throws definition errors `name/invalid`, `replication/cluster`
 */
export function streamCopy(
  name: string,
  { cluster, oneWay = false }: StreamCopyOptions,
): Sink<RawRecord> & StreamCopyDeclaration {
  const what = `${STREAM_COPY}("${name}")`;
  checkName(`A ${STREAM_COPY}`, name);
  checkCluster(what, cluster);
  return {
    kind: "sink",
    connector: STREAM_COPY,
    name,
    cluster,
    oneWay,
    encode: (record: RawRecord) => encodeCopy(what, record, { cluster, maxBytes: MAX_BYTES, needsValue: oneWay }),
    decode: (body) => ({ ...decodeCopy(body) }),
    maxBytes: bodyBytesFor(MAX_BYTES),
  };
}
