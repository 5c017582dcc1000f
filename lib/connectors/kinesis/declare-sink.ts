import { definitionError, poisonError } from "../../errors.ts";
import { checkField } from "../../pipeline/names.ts";
import type { Sink, SinkDeclaration } from "../../pipeline/sink.ts";
import { encodeKey, partitionKeyOf, type KeyValue } from "../../state/key.ts";
import { declareRows, type RowFor, type RowShape } from "../row.ts";

/** What makes a sink a Kinesis stream. */
export const STREAM = "stream";

/** What a record may take, in bytes, its partition key included (AWS: Kinesis API reference, PutRecords). */
const MAX_BYTES = 1_024 * 1_024;

/** What Kinesis takes for a partition key, in characters. */
const MAX_KEY = 256;

export interface StreamOptions<R> {
  /**
   * The key that records are partitioned by, as a source's `key` says it: rows of one key keep their order, and are read with
   * `byKey` by another pipeline whose source has the same key. A key has one record a request: the more keys, the faster.
   *
   * @default none: rows are spread over the shards, in no order
   */
  readonly key?: { readonly [field: string]: (row: R) => KeyValue };
}

/**
 * A Kinesis data stream, of one record of JSON a row, whose first field is `output_id`. Another pipeline reads it by
 * `kinesis(…)` with the same key.
 *
 * @example
 * const enriched = stream("enriched", { shop: text, cents: bigint, at: timestamp }, { key: { shop: (row) => row.shop } });
 *
 * @param name the sink's name
 * @param shape columns, or a Standard Schema: then rows are what it takes
 * @throws definition errors `name/invalid`, `sink/shape`, `sink/key`
 */
export function stream<S extends RowShape>(
  name: string,
  shape: S,
  { key }: StreamOptions<RowFor<S>> = {},
): Sink<RowFor<S>> & SinkDeclaration {
  const what = `${STREAM}("${name}")`;
  const fields = Object.entries(key ?? {}) as [string, (row: never) => KeyValue][];
  for (const [field] of fields) checkField(`${what}: the key`, field);
  if (key !== undefined && fields.length === 0) {
    const advice = "Name one, or leave the key out.";
    throw definitionError({ code: "sink/key", message: `${what}: the key has no field.`, advice });
  }
  return declareRows({
    connector: STREAM,
    name,
    shape,
    maxBytes: MAX_BYTES,
    idInRow: true,
    headOf:
      key &&
      ((row: never) => ({ key: keyText(what, Object.fromEntries(fields.map(([field, of]) => [field, of(row)]))) })),
  });
}

/** The key's text, as producers of a source use it. */
function keyText(what: string, key: Readonly<Record<string, KeyValue>>): string {
  encodeKey(key); // refuses what is no key
  const text = partitionKeyOf(key);
  if (text !== "" && text.length <= MAX_KEY && text.isWellFormed()) return text;
  const message = `The key of a row for ${what} has ${text.length} characters; Kinesis takes 1 to ${MAX_KEY}.`;
  throw poisonError({ code: "sink/row", message });
}
