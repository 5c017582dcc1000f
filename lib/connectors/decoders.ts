import { definitionError } from "../errors.ts";
import type { SourceDeclaration } from "../pipeline/source.ts";
import type { RecordDecoder } from "../runtime/record.ts";
import { KINESIS } from "./kinesis/declare.ts";
import { kinesisDecoder } from "./kinesis/decode.ts";

const DECODERS: Readonly<Record<string, (source: SourceDeclaration) => RecordDecoder>> = {
  [KINESIS]: kinesisDecoder,
};

/** What makes values of a source's records. @throws definition error `source/connector` */
export function decoderOf(source: SourceDeclaration): RecordDecoder {
  const make = DECODERS[source.connector];
  if (make !== undefined) return make(source);
  throw definitionError({
    code: "source/connector",
    message: `The source "${source.name}" is of "${source.connector}", whose records nothing decodes.`,
    advice: `Sources are made by ${Object.keys(DECODERS).join(", ")}.`,
  });
}
