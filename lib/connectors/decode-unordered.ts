import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordFormat } from "../runtime/record.ts";
import { validate } from "../schema.ts";
import { bytesOf } from "./base64.ts";
import { jsonOfPayloads } from "./decode-json.ts";

/** How JSON of a source without order becomes values. Their time is their arrival: nothing asks for another. */
export function unorderedFormat({ schema, connector }: SourceDeclaration): RecordFormat {
  const jsonOf = jsonOfPayloads();
  return {
    decode: (record) => ({
      value: validate(schema, jsonOf(record.bytes ?? bytesOf(record.base64, connector))),
      time: record.arrival,
      key: {},
      keyCode: "",
    }),
  };
}
