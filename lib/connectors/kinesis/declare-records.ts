import { definitionError } from "../../errors.ts";
import { declareSource, type Source } from "../../pipeline/source.ts";
import { checkCluster, RAW_RECORD, type RawRecord } from "../replication/raw-record.ts";
import { KINESIS, type KinesisDeclaration } from "./declare.ts";

/** A Kinesis source whose records are taken as they are. */
export interface KinesisRecordsDeclaration extends KinesisDeclaration {
  readonly raw: {
    readonly cluster: string;
    readonly stream: string;
    readonly packedBy: KinesisDeclaration | undefined;
  };
}

/** The settings of {@link kinesisRecords}. */
export interface KinesisRecordsOptions {
  /** What the stream's region and account are called: the same in every pipeline that copies to or from there. */
  readonly cluster: string;
  /** What the stream is called in the names of its records; it stays. @default the source's name */
  readonly stream?: string;
  /** The source that `millrace/producer` packs for, if it does: by its key the events of a pack are told apart. @default none */
  readonly packedBy?: Source<never, unknown, never>;
}

/**
 * A Kinesis data stream whose records are taken as they are: for replication. What the KPL has aggregated, and what
 * `millrace/producer` has packed, comes apart; nothing else is looked into.
 *
 * @example
 * const orders = kinesisRecords("orders", { cluster: "frankfurt" });
 *
 * @param name the source's name in state addresses and metrics
 * @throws definition errors `name/invalid`, `replication/cluster`, `replication/packed-by`
 */
export function kinesisRecords(name: string, options: KinesisRecordsOptions): Source<RawRecord, never, never> {
  const { cluster, stream = name } = options;
  const packedBy = options.packedBy as KinesisDeclaration | undefined;
  const what = `kinesisRecords("${name}")`;
  if (packedBy !== undefined && (packedBy.connector !== KINESIS || packedBy.keyFields.length === 0)) {
    throw definitionError({
      code: "replication/packed-by",
      message: `${what}: packedBy is no Kinesis source with a key.`,
      advice: "Give the source that millrace/producer packs for.",
    });
  }
  const declared: KinesisRecordsDeclaration = {
    ...declareSource(KINESIS, name, {
      schema: RAW_RECORD,
      eventTime: (record) => record.timestamp,
      disorder: {},
      maxFuture: "unbounded",
      idle: "never",
    }),
    compression: undefined,
    raw: { cluster: checkCluster(what, cluster), stream, packedBy },
  };
  return declared;
}
