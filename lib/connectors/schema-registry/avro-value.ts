import { poisonError } from "../../errors.ts";
import { AvroError } from "../../formats/avro/input.ts";
import { schemaIdIn, valueIn } from "../../formats/avro/wire-format.ts";
import type { IncomingRecord } from "../../runtime/record.ts";
import type { SchemaRegistry } from "./registry.ts";

/** A value of Avro, by its schema, which was fetched. @throws poison errors `avro/value`, and the registry's */
export function avroIn(bytes: Buffer, schemas: SchemaRegistry): unknown {
  try {
    return schemas.readerOf(schemaIdIn(bytes))(valueIn(bytes));
  } catch (thrown) {
    if (!(thrown instanceof AvroError)) throw thrown;
    throw poisonError({ code: "avro/value", message: `The payload is no Avro of its schema: ${thrown.message}.` });
  }
}

/** Base64 of more bytes than a payload's header has. */
const HEADER_TEXT = 8;

/** The schemas that records are of; none of those that say none, as tombstones do. */
export function schemaIdsOf(records: readonly IncomingRecord[]): ReadonlySet<number> {
  const ids = new Set<number>();
  for (const { base64 } of records) {
    try {
      ids.add(schemaIdIn(Buffer.from(base64.slice(0, HEADER_TEXT), "base64")));
    } catch {
      // decoding meets it again, and says what it is
    }
  }
  return ids;
}
