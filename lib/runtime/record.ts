import type { KeyValues } from "../state/key.ts";
import type { Position } from "../state/position.ts";

/** A record as it came from its source, not decoded yet. */
export interface IncomingRecord {
  readonly position: Position;
  /** When the source took it in, by the source's clock: epoch milliseconds. */
  readonly arrival: number;
  readonly partitionKey: string;
  /** The payload in base64, as the mapping sent it. */
  readonly base64: string;
}

/** What a decoder makes of a record. */
export interface DecodedRecord {
  readonly value: unknown;
  /** Event time, epoch milliseconds. */
  readonly time: number;
  readonly key: KeyValues;
  readonly keyCode: string;
}

/** Decodes and checks one record. Pure. Throws poison errors for what it cannot make sense of. */
export type RecordDecoder = (record: IncomingRecord) => DecodedRecord;
