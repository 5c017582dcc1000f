import type { StandardSchemaV1 } from "@standard-schema/spec";
import { poisonError } from "../errors.ts";
import { JsonError } from "../formats/json.ts";
import { JsonReader } from "../formats/json-reader.ts";
import { plainRecords } from "../plain-record.ts";
import { validate } from "../schema.ts";

/** Reads payloads of one source as its schema has them. */
export class PayloadReader {
  readonly #schema: StandardSchemaV1;
  readonly #reader: JsonReader;

  constructor(schema: StandardSchemaV1) {
    this.#schema = schema;
    this.#reader = new JsonReader(plainRecords(schema));
  }

  /** What JSON in bytes comes to, or in a part of them. @throws poison errors of JSON and of the schema */
  read(bytes: Buffer, start = 0, end = bytes.length): unknown {
    const value = this.#parse(bytes, start, end);
    return this.#reader.isChecked ? value : this.check(value);
  }

  /** What the schema makes of a value. @throws poison errors of the schema */
  check(value: unknown): unknown {
    return validate(this.#schema, value);
  }

  #parse(bytes: Buffer, start: number, end: number): unknown {
    try {
      return this.#reader.parse(bytes, start, end);
    } catch (thrown) {
      if (thrown instanceof JsonError) throw poisonError({ code: thrown.code, message: thrown.message });
      throw thrown;
    }
  }
}
