import { poisonError } from "../../errors.ts";
import type { SourceDeclaration } from "../../pipeline/source.ts";
import type { RecordFormat } from "../../runtime/record.ts";
import { bytesOf } from "../base64.ts";
import { unorderedFormat } from "../decode-unordered.ts";
import { S3 } from "./declare.ts";
import { isContinuation } from "./notification.ts";

/** How lines of objects become values. What a dead letter of an object has is none, whatever the schema takes. */
export function s3Format(source: SourceDeclaration): RecordFormat {
  const { decode } = unorderedFormat(source);
  return {
    decode(record) {
      if (!isContinuation(record.bytes ?? bytesOf(record.base64, S3))) return decode(record);
      throw poisonError({
        code: "s3/object",
        message: "The dead letter is of an object, and not of a line.",
        advice: "Have the source told of the object again: npm run replay -- --queue URL (docs/sources.md).",
      });
    },
  };
}
