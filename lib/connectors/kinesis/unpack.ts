import { isSystemic, poisonError, systemicError } from "../../errors.ts";
import { compressionOf, CompressionError, decompress, type Compression } from "../../formats/compression.ts";
import { boundsInSequence, isJsonSequence, SequenceError } from "../../formats/json-sequence.ts";
import { deaggregate, KplError } from "../../formats/kpl.ts";
import type { HeldBytes, IncomingRecord, Pack, PackedEvent, Unpack } from "../../runtime/record.ts";
import type { Position } from "../../state/position.ts";
import { encodePack, isPackHeader, PACK_HEADER } from "./pack.ts";
import { payloadOf } from "./payload.ts";

/** What may come of one record: sixteen times what Kinesis takes by default. */
export const MAX_BYTES = 16 * 1_024 * 1_024;

/**
 * Takes Kinesis records apart: gzip, zstd, sequences of JSON texts and records that the KPL has aggregated are known by their
 * first bytes, which no JSON text begins with.
 *
 * @param declared how payloads are compressed that do not say so themselves
 */
export const kinesisUnpack =
  (declared?: "snappy"): Unpack =>
  (record) => {
    if (declared === undefined && !mayBePacked(record.base64)) return undefined;
    try {
      return unpack(record, declared);
    } catch (thrown) {
      throw asPoison(thrown);
    }
  };

/** By the first sextet of 1f (gzip), 1e (sequence), 28 (zstd) and f3 (KPL): most records are none of these, and decoded once. */
export const mayBePacked = (base64: string): boolean => {
  const first = base64[0];
  return first === "H" || first === "K" || first === "8";
};

function unpack(record: IncomingRecord, declared: Compression | undefined): Pack | undefined {
  const payload = payloadOf(record.base64);
  const compression = declared ?? compressionOf(payload);
  const bytes = compression === undefined ? payload : decompress(payload, compression, MAX_BYTES);
  const aggregated = compression === undefined ? deaggregate(bytes) : undefined;
  if (aggregated !== undefined) {
    const events = aggregated.flatMap(({ partitionKey, hasExplicitHashKey, data }) =>
      inAggregated(record, data, hasExplicitHashKey ? EXPLICIT : partitionKey),
    );
    return { events, isSentAgain: false };
  }
  if (isJsonSequence(bytes)) return sequence(record, bytes);
  if (compression === undefined) return undefined;
  const event = new EventInRecord(record, bytes, 0, bytes.length, record.partitionKey, () => payload);
  return { events: [event], isSentAgain: false };
}

/** A payload that was aggregated: it may be compressed or a sequence itself, as copies of such records are. */
function inAggregated(record: IncomingRecord, data: Buffer, partitionKey: string): readonly PackedEvent[] {
  const compression = compressionOf(data);
  const bytes = compression === undefined ? data : decompress(data, compression, MAX_BYTES);
  if (!isJsonSequence(bytes)) return [new EventInRecord(record, bytes, 0, bytes.length, partitionKey, () => data)];
  const bounds = boundsInSequence(bytes);
  if (isPackHeader(bytes.subarray(bounds[0], bounds[1])))
    throw new SequenceError("A pack is in a record that the KPL has aggregated.");
  return eventsIn(record, bytes, bounds, 0, partitionKey);
}

/** A partition key that no key has: an explicit hash key puts records of one key on any shard, and `byKey` refuses it. */
const EXPLICIT = "\u0000explicit-hash-key";

function sequence(record: IncomingRecord, bytes: Buffer): Pack {
  const bounds = boundsInSequence(bytes);
  const first = bytes.subarray(bounds[0], bounds[1]);
  if (!isPackHeader(first))
    return { events: eventsIn(record, bytes, bounds, 0, record.partitionKey), isSentAgain: false };
  refuseOtherVersions(record, first);
  const events = eventsIn(record, bytes, bounds, 1, undefined, (text) => encodePack([text]));
  return { events, isSentAgain: true };
}

/** @param first of the texts, which is an event and is no header */
function eventsIn(
  record: IncomingRecord,
  bytes: Buffer,
  bounds: readonly number[],
  first: number,
  partitionKey: string | undefined,
  alone?: (bytes: Buffer) => Buffer,
): readonly PackedEvent[] {
  const events = new Array<PackedEvent>(bounds.length / 2 - first);
  for (let i = 0, at = 2 * first; i < events.length; i++, at += 2)
    events[i] = new EventInRecord(record, bytes, bounds[at]!, bounds[at + 1]!, partitionKey, alone);
  return events;
}

/** @param header the first text of a pack @throws systemic error `kinesis/pack-version` */
export function refuseOtherVersions({ position }: Pick<IncomingRecord, "position">, header: Buffer): void {
  if (header.equals(Buffer.from(PACK_HEADER))) return;
  throw systemicError({
    code: "kinesis/pack-version",
    message: `A record of ${position.sequence} is a pack of a version that this build does not read.`,
    advice: "Deploy a build with the producers' version of millrace, or a later one.",
  });
}

/** An event, one of those that a record holds. */
class EventInRecord implements PackedEvent, HeldBytes {
  readonly #record: IncomingRecord;
  readonly holder: Buffer;
  readonly start: number;
  readonly end: number;
  readonly partitionKey: string | undefined;
  readonly #alone: ((bytes: Buffer) => Buffer) | undefined;

  /** @param alone its payload where it is the only event of a record. @default its bytes */
  constructor(
    record: IncomingRecord,
    holder: Buffer,
    start: number,
    end: number,
    partitionKey: string | undefined,
    alone?: (bytes: Buffer) => Buffer,
  ) {
    this.#record = record;
    this.holder = holder;
    this.start = start;
    this.end = end;
    this.partitionKey = partitionKey;
    this.#alone = alone;
  }

  get position(): Position {
    return this.#record.position;
  }

  get arrival(): number {
    return this.#record.arrival;
  }

  get packedBy(): string {
    return this.#record.partitionKey;
  }

  get held(): HeldBytes {
    return this;
  }

  get bytes(): Buffer {
    return this.holder.subarray(this.start, this.end);
  }

  get base64(): string {
    return (this.#alone?.(this.bytes) ?? this.bytes).toString("base64");
  }
}

/** What is wrong with the bytes is the record's; that this process cannot read such bytes at all is not. */
export function asPoison(thrown: unknown): unknown {
  if (isSystemic(thrown)) return thrown;
  if (thrown instanceof CompressionError) {
    const { code, message } = thrown;
    if (code !== "compression/unsupported") return poisonError({ code, message });
    return systemicError({
      code,
      message,
      advice: "Run the function on Node 22.15 or later, or have producers use gzip.",
    });
  }
  if (thrown instanceof SequenceError || thrown instanceof KplError) {
    return poisonError({ code: "kinesis/pack", message: thrown.message });
  }
  return thrown;
}
