import { parseJson } from "../../../lib/formats/json.ts";
import type { SourceDeclaration } from "../../../lib/pipeline/source.ts";
import { sourceIntake, type Intake } from "../../../lib/runtime/intake.ts";
import type { IncomingRecord } from "../../../lib/runtime/record.ts";
import { validate } from "../../../lib/schema.ts";
import { encodeKey, type KeyValue } from "../../../lib/state/key.ts";
import { toEpochMillis } from "../../../lib/time/instant.ts";

/** A record whose payload is bytes at hand, not base64 in an envelope. */
export interface TextRecord extends IncomingRecord {
  readonly payload: Buffer;
}

/** The intake of a source as it would be without an envelope: every step of the Kinesis decoder but base64 and partition key. */
export function textIntake(source: SourceDeclaration): Intake {
  const eventTime = source.eventTime as (value: unknown) => unknown;
  const keyOf = Object.entries(source.key) as [string, (value: unknown) => KeyValue][];
  return sourceIntake(
    source.name,
    {
      decode: (record) => {
        const value = validate(source.schema, parseJson((record as TextRecord).payload));
        const time = toEpochMillis(eventTime(value));
        const key: Record<string, KeyValue> = {};
        for (const [field, take] of keyOf) key[field] = take(value);
        return { value, time, key, keyCode: encodeKey(key) };
      },
    },
    source.disorder,
  );
}
