import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  declareSource,
  type KeyValues,
  type Source,
  type SourceDeclaration,
  type SourceKey,
  type SourceOptions,
} from "../../pipeline/source.ts";

/** What makes a source a Kinesis source. */
export const KINESIS = "kinesis";

/** What a Kinesis source has beside what every source has. */
export interface KinesisDeclaration extends SourceDeclaration {
  readonly compression: "snappy" | undefined;
}

/** The settings of a Kinesis source. */
export interface KinesisOptions<S extends StandardSchemaV1, K extends KeyValues> extends SourceOptions<S, K> {
  /**
   * How payloads are compressed that do not say so themselves: as one raw snappy block each. Gzip and zstd are known by
   * their first bytes and need no setting. @default by their first bytes
   */
  readonly compression?: "snappy";
}

/**
 * A Kinesis data stream of JSON events: one a record, or several of them packed in one (docs/packing.md). Payloads may be
 * compressed.
 *
 * @example
 * const departures = kinesis("departures", {
 *   schema: z.object({ origin: z.string(), departedAt: z.number(), delay: z.number() }),
 *   key: { origin: (d) => d.origin },
 *   eventTime: (d) => d.departedAt,
 *   disorder: { hours: 6 },
 * });
 *
 * @param name the source's name in state addresses, metrics and the deployed stream's name
 * @throws definition errors for settings that cannot be, naming them
 */
export function kinesis<S extends StandardSchemaV1, K extends KeyValues = {}>(
  name: string,
  options: KinesisOptions<S, K>,
): Source<StandardSchemaV1.InferOutput<S>, SourceKey<K>, StandardSchemaV1.InferInput<S>> {
  const declared: KinesisDeclaration = {
    ...declareSource(KINESIS, name, options),
    compression: options.compression,
  };
  return declared;
}
