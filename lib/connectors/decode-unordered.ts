import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordFormat } from "../runtime/record.ts";
import { bytesOf } from "./base64.ts";
import { PayloadReader } from "./payload-reader.ts";

/** How JSON of a source without order becomes values. Their time is their arrival: nothing asks for another. */
export function unorderedFormat({ schema, connector }: SourceDeclaration): RecordFormat {
  const reader = new PayloadReader(schema);
  return {
    decode: (record) => ({
      value: reader.read(record.bytes ?? bytesOf(record.base64, connector)),
      time: record.arrival,
      key: {},
      keyCode: "",
    }),
  };
}
