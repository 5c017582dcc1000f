import { createHash } from "node:crypto";
import { Packr } from "msgpackr";
import { messageOf, systemicError } from "../errors.ts";
import { checkBounds, MAX_VALUES } from "./bounds.ts";
import { compressed, decompressed, hasZstd, METHOD, methodOf } from "./compression.ts";

/** Names how bodies are encoded, so that a later build can change it and still read the old: what a reader must know at most. */
export const CODEC = `msgpack+${METHOD}`;

/** The same of one body: small ones are deflated wherever they are written. */
export const codecOf = (body: Uint8Array): string => `msgpack+${methodOf(body)}`;

/** Whether this Node reads it, by name. */
const CODECS: ReadonlyMap<string, boolean> = new Map([
  ["msgpack+deflate", true],
  ["msgpack+zstd", hasZstd],
]);

/** No body inflates to more than this: a corrupt one must not take the process down. */
export const MAX_BODY_BYTES = 256 * 1024 * 1024;

// Without records: a body must be readable on its own, by any build. Objects of any size: an accumulator may grow.
const OPTIONS = { useRecords: false, variableMapSize: true, moreTypes: false, int64AsType: "bigint" } as const;
const packr = new Packr(OPTIONS);

/** Byte arrays are copied: as parts of what they are read from they would hold all of it. */
const partPackr = new Packr({ ...OPTIONS, copyBuffers: true });

/**
 * Plain data, bigints, Dates and byte arrays as compressed bytes.
 *
 * @throws systemic error `state/too-large` for what {@link decodeBody} would refuse
 */
export function encodeBody(value: unknown): Uint8Array {
  const packed = packedOnce(value);
  // A value takes a byte at least.
  if (packed.length > MAX_VALUES) checkSize(packed);
  return compressed(packed);
}

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
  partPackr.unpack(bytes, { start, end });

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
  const isRead = CODECS.get(codec);
  if (isRead !== true) throw unknownCodec(what, codec, isRead === undefined);
  try {
    const packed = decompressed(body, MAX_BODY_BYTES);
    checkBounds(packed);
    return packr.unpack(packed);
  } catch (cause) {
    throw corrupt(what, `it does not decode (${messageOf(cause)})`, cause);
  }
}

const unknownCodec = (what: string, codec: string, isLater: boolean) =>
  systemicError({
    code: "state/codec",
    message: `${what} is encoded as "${codec}", which this ${isLater ? "build does not know" : "Node does not read"}.`,
    advice: isLater
      ? "Deploy the build that wrote it, or a later one."
      : "Run Node 22.15 or later, as the functions do.",
  });

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
