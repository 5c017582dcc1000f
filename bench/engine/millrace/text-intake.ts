import { jsonDecoder } from "../../../lib/connectors/decode-json.ts";
import { PayloadReader } from "../../../lib/connectors/payload-reader.ts";
import type { SourceDeclaration } from "../../../lib/pipeline/source.ts";
import { sourceIntake, type Intake } from "../../../lib/runtime/intake.ts";
import type { HeldBytes, IncomingRecord, Undecoded } from "../../../lib/runtime/record.ts";

/** A record whose payload is bytes at hand, not base64 in an envelope. */
export interface TextRecord extends IncomingRecord {
  readonly payload: HeldBytes;
}

/** The intake of a source as it would be without an envelope: every step of the Kinesis decoder but base64 and partition key. */
export function textIntake(source: SourceDeclaration): Intake {
  const reader = new PayloadReader(source.schema);
  const valueOf = (record: Undecoded) => {
    const { holder, start, end } = (record as TextRecord).payload;
    return reader.read(holder, start, end);
  };
  const decode = jsonDecoder(source, { valueOf, checkPlace: () => undefined });
  return sourceIntake(source.name, { decode }, source.disorder);
}
