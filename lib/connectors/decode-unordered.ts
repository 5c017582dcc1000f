import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordFormat } from "../runtime/record.ts";
import { validate } from "../schema.ts";
import { bytesOf } from "./base64.ts";
import { jsonIn } from "./decode-json.ts";

/** How JSON of a source without order becomes values. Their time is their arrival: nothing asks for another. */
export const unorderedFormat = ({ schema, connector }: SourceDeclaration): RecordFormat => ({
  decode: (record) => ({
    value: validate(schema, jsonIn(record.bytes ?? bytesOf(record.base64, connector))),
    time: record.arrival,
    key: {},
    keyCode: "",
  }),
});
