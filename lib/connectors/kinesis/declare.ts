import type { StandardSchemaV1 } from "@standard-schema/spec";
import {
  declareSource,
  type KeyValues,
  type Source,
  type SourceKey,
  type SourceOptions,
} from "../../pipeline/source.ts";

/** What makes a source a Kinesis source. */
export const KINESIS = "kinesis";

/**
 * A Kinesis data stream of JSON records, one event a record.
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
  options: SourceOptions<S, K>,
): Source<StandardSchemaV1.InferOutput<S>, SourceKey<K>, StandardSchemaV1.InferInput<S>> {
  return declareSource(KINESIS, name, options);
}
