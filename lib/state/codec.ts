import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Packr } from "msgpackr";
import { messageOf, systemicError } from "../errors.ts";
import { checkBounds, MAX_VALUES } from "./bounds.ts";

/** Names how a body is encoded, so that a later build can change it and still read the old. */
export const CODEC = "msgpack+deflate";

/** No body inflates to more than this: a corrupt one must not take the process down. */
export const MAX_BODY_BYTES = 256 * 1024 * 1024;

// Without records: a body must be readable on its own, by any build. Objects of any size: an accumulator may grow.
const packr = new Packr({ useRecords: false, variableMapSize: true, moreTypes: false, int64AsType: "bigint" });

/**
 * Plain data, bigints, Dates and byte arrays as compressed bytes.
 *
 * @throws systemic error `state/too-large` for what {@link decodeBody} would refuse
 */
export function encodeBody(value: unknown): Uint8Array {
  const packed = packedOnce(value);
  // A value takes a byte at least.
  if (packed.length > MAX_VALUES) checkSize(packed);
  return packed.length < LARGE ? deflateRawSync(packed) : deflateRawSync(packed, OF_LARGE);
}

/** What takes more bytes than these goes to S3, however well it is compressed: it takes no write units. */
const LARGE = 128 * 1_024;

/**
 * A quarter to a third less time than zlib's own 6 takes with its usual memory, and under a hundredth more bytes: of the
 * commits of Nexmark's queries 18 and 19.
 */
const OF_LARGE = { level: 5, memLevel: 9 } as const;

/** Bytes that a value takes before it is compressed. */
export const packedBytes = (value: unknown): number => packedOnce(value).length;

/** A value as bytes that are not compressed. */
export const packed = (value: unknown): Uint8Array => packedOnce(value);

/** The buffer of something large would stay, be cut into small pieces, and be made anew as large when it is used up. */
function packedOnce(value: unknown): Uint8Array {
  const bytes = packr.pack(value);
  if (bytes.buffer.byteLength > MOST_KEPT) packr.useBuffer(Buffer.allocUnsafeSlow(FIRST_BUFFER));
  return bytes;
}

/** Bytes of the buffers that values are packed into: of the largest that is used again, and of the first. */
const MOST_KEPT = 4 * 1_024 * 1_024;
const FIRST_BUFFER = 64 * 1_024;

/** The value that is written in a part of some bytes, which are within the bounds of `checkBounds`. */
export const unpackedPart = (bytes: Uint8Array, start: number, end: number): unknown =>
  packr.unpack(bytes, { start, end });

/**
 * How blocks of entries are compressed. Level 4 takes a third of the time of zlib's own 6 and, where keys and numbers are
 * as good as random, no more bytes; a window of 8 KB and the little memory that goes with it are made anew for each block.
 */
const BLOCKS = { level: 4, windowBits: 13, memLevel: 6 } as const;

export const compressedBlock = (bytes: Uint8Array): Uint8Array =>
  deflateRawSync(bytes, { ...BLOCKS, chunkSize: Math.max(64, bytes.length + 64) });

/** @throws Error when it is not made of so many bytes */
export function inflatedBlock(block: Uint8Array, length: number): Uint8Array {
  // One byte more than there is: what has filled its output would be asked again whether there is more.
  const bytes = inflateRawSync(block, { maxOutputLength: length + 1, chunkSize: Math.max(64, length + 1) });
  if (bytes.length !== length) throw new Error("it has another length");
  return bytes;
}

function checkSize(packed: Uint8Array): void {
  try {
    if (packed.length > MAX_BODY_BYTES) throw new Error(`it takes more than ${MAX_BODY_BYTES} bytes`);
    checkBounds(packed);
  } catch (cause) {
    throw systemicError({
      code: "state/too-large",
      message: `A task's state or commit cannot be written: ${messageOf(cause)}.`,
      advice: "Give the stream more shards, so that a task has fewer keys.",
      cause,
    });
  }
}

/**
 * The value that a body was made of.
 *
 * @throws systemic errors `state/codec`, `state/corrupt`, naming `what`, whatever the bytes are
 */
export function decodeBody(body: Uint8Array, codec: string, what: string): unknown {
  if (codec !== CODEC) {
    throw systemicError({
      code: "state/codec",
      message: `${what} is encoded as "${codec}", which this build does not know.`,
      advice: "Deploy the build that wrote it, or a later one.",
    });
  }
  try {
    const packed = inflateRawSync(body, { maxOutputLength: MAX_BODY_BYTES });
    checkBounds(packed);
    return packr.unpack(packed);
  } catch (cause) {
    throw corrupt(what, `it does not decode (${messageOf(cause)})`, cause);
  }
}

/**
 * The first 64 bits of SHA-256, in hexadecimal: against damage, not against malice.
 *
 * @param envelope what is stored beside the body and must not change either: JSON values in a fixed order
 */
export const checksumOf = (body: Uint8Array, envelope: readonly unknown[] = []): string =>
  createHash("sha256").update(JSON.stringify(envelope)).update("\n").update(body).digest("hex").slice(0, 16);

export const MISMATCH = "its checksum does not match";

export const corrupt = (what: string, how: string, cause?: unknown) =>
  systemicError({
    code: "state/corrupt",
    message: `${what} is damaged: ${how}.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
    cause,
  });
