import type { StandardSchemaV1 } from "@standard-schema/spec";
import { poisonError } from "../errors.ts";
import { JsonError } from "../formats/json.ts";
import { JsonReader } from "../formats/json-reader.ts";
import { plainRecords } from "../plain-record.ts";
import { validate } from "../schema.ts";

/** Reads payloads of one source as its schema has them. */
export class PayloadReader {
  readonly #schema: StandardSchemaV1;
  /** Made for the first payload: a schema may speak of others that come after it in its module. */
  #reader: JsonReader | undefined = undefined;

  constructor(schema: StandardSchemaV1) {
    this.#schema = schema;
  }

  /** What JSON in bytes comes to, or in a part of them. @throws poison errors of JSON and of the schema */
  read(bytes: Buffer, start = 0, end = bytes.length): unknown {
    const reader = (this.#reader ??= new JsonReader(plainRecords(this.#schema)));
    const value = parsed(reader, bytes, start, end);
    return reader.isChecked ? value : this.check(value);
  }

  /** What the schema makes of a value. @throws poison errors of the schema */
  check(value: unknown): unknown {
    return validate(this.#schema, value);
  }
}

function parsed(reader: JsonReader, bytes: Buffer, start: number, end: number): unknown {
  try {
    return reader.parse(bytes, start, end);
  } catch (thrown) {
    if (thrown instanceof JsonError) throw poisonError({ code: thrown.code, message: thrown.message });
    throw thrown;
  }
}
