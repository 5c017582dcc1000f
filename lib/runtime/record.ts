import type { KeyValues } from "../state/key.ts";
import type { Position } from "../state/position.ts";

/** What a record has beside text and payload, as its mapping sent it: nothing of it was looked at. */
export interface Attached {
  /** The key in base64; null where there is none. */
  readonly key: string | null;
  /** Whether there is no value, not even one of no bytes. */
  readonly isTombstone: boolean;
  readonly headers: unknown;
  /** What it has for a timestamp, where that is no time. */
  readonly timestamp?: number;
}

/** A record as it came from its source, not decoded yet. */
export interface IncomingRecord {
  readonly position: Position;
  /** When the source took it in, by the source's clock: epoch milliseconds. */
  readonly arrival: number;
  readonly partitionKey: string;
  /** The payload in base64, as the mapping sent it. */
  readonly base64: string;
  /** The partition that it came on, where that is checked, or passed on. */
  readonly partition?: string | undefined;
  /** Of systems whose records are more than a text to route by and a payload. */
  readonly attached?: Attached | undefined;
}

/** What a decoder makes of a record. */
export interface DecodedRecord {
  readonly value: unknown;
  /** Event time, epoch milliseconds. */
  readonly time: number;
  readonly key: KeyValues;
  readonly keyCode: string;
}

/** What a decoder is given: a record, or an event that is packed in one. */
export interface Undecoded {
  readonly position: Position;
  /** When the source took it in: epoch milliseconds. */
  readonly arrival: number;
  /** What it was routed by; undefined where its own key says so. */
  readonly partitionKey: string | undefined;
  readonly base64: string;
  /** The payload itself, where it is known already. */
  readonly bytes?: Buffer;
  /** What holds these bytes among others, where there is such a thing: who reads them there needs no buffer of each payload. */
  readonly held?: HeldBytes;
  /** The partition that it came on, where that is checked, or passed on. */
  readonly partition?: string | undefined;
  readonly attached?: Attached | undefined;
}

/** A part of some bytes. */
export interface HeldBytes {
  readonly holder: Buffer;
  readonly start: number;
  /** After the last one. */
  readonly end: number;
}

/** Decodes and checks one record. Pure. Throws poison errors for what it cannot make sense of. */
export type RecordDecoder = (record: Undecoded) => DecodedRecord;

/** An event, one of those that a record holds. */
export interface PackedEvent extends Undecoded {
  readonly bytes: Buffer;
  /** What its dead letter says of how it was routed, where nothing else does. */
  readonly packedBy: string;
}

/** The events that a record holds. */
export interface Pack {
  readonly events: readonly PackedEvent[];
  /** Whether its producer sends once more, to their own partition, events that came to another one: here they are passed over. */
  readonly isSentAgain: boolean;
}

/**
 * Takes a record apart. Pure. Undefined for a record that is one event as it is.
 *
 * Throws poison errors for what it cannot make sense of.
 */
export type Unpack = (record: IncomingRecord) => Pack | undefined;

/** How a source's records become values. */
export interface RecordFormat {
  readonly decode: RecordDecoder;
  /** For sources whose records may hold several events. */
  readonly unpack?: Unpack;
  /**
   * Fetches what records need to be decoded, before they are. Throws infrastructure and systemic errors; what is wrong with a
   * record `decode` says.
   */
  readonly prepare?: (records: readonly IncomingRecord[]) => Promise<void>;
}
