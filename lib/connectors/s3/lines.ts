import { Readable } from "node:stream";
import * as zlib from "node:zlib";
import { poisonError, messageOf } from "../../errors.ts";
import { compressionOf, hasZstd } from "../../formats/compression.ts";
import type { LinePlace } from "./notification.ts";

/** What lines are held at a time, and how long one may be. */
export interface LineLimits {
  readonly lines: number;
  /** Also of what is read without a line of it being held: whoever reads looks whether there is time. */
  readonly bytes: number;
  readonly lineBytes: number;
}

export const LINE_LIMITS: LineLimits = { lines: 1_000, bytes: 4 * 1_024 * 1_024, lineBytes: 1_024 * 1_024 };

export interface Line {
  /** How many lines come before it. */
  readonly index: number;
  /** Without its end; the beginning alone of one that is too long. */
  readonly bytes: Buffer;
  readonly isTooLong: boolean;
}

/** Lines in their order; none where much was read that has none. */
export interface Lines {
  readonly lines: readonly Line[];
  /** The place after the last of them. Its bytes are of what is read: of no use where that was compressed. */
  readonly end: LinePlace;
}

const NEWLINE = 0x0a;

/**
 * The lines of an object as it is read, some at a time: no more than the limits are ever held. Empty lines are counted, and left out.
 *
 * @param from the place that the bytes begin at
 * @throws what reading throws; poison error `s3/damaged` for compressed bytes that are not whole
 */
export async function* linesOf(
  bytes: AsyncIterable<Uint8Array>,
  from: LinePlace,
  limits: LineLimits = LINE_LIMITS,
): AsyncGenerator<Lines> {
  const cutter = new LineCutter(from, limits);
  for await (const piece of bytes) {
    cutter.push(Buffer.from(piece.buffer, piece.byteOffset, piece.byteLength));
    for (let some = cutter.take(false); some !== undefined; some = cutter.take(false)) yield some;
  }
  for (let some = cutter.take(true); some !== undefined; some = cutter.take(true)) yield some;
}

/** Cuts bytes into lines. */
class LineCutter {
  readonly #limits: LineLimits;
  #place: LinePlace;
  #waiting: Line[] = [];
  #waitingBytes = 0;
  /** Of the line that has not ended yet: no more than it may have. */
  #open: Buffer[] = [];
  #openBytes = 0;
  #ready: Lines[] = [];
  /** Bytes that were read since lines were given. */
  #read = 0;

  constructor(from: LinePlace, limits: LineLimits) {
    this.#place = from;
    this.#limits = limits;
  }

  push(piece: Buffer): void {
    let start = 0;
    for (;;) {
      const end = piece.indexOf(NEWLINE, start);
      if (end < 0) break;
      this.#keep(piece.subarray(start, end));
      this.#close(1);
      start = end + 1;
    }
    this.#keep(piece.subarray(start));
    this.#read += piece.length;
    if (this.#read >= this.#limits.bytes) this.#give();
  }

  /** Lines that are as many as may be held; at the end whatever there is. */
  take(isEnd: boolean): Lines | undefined {
    if (isEnd) {
      if (this.#openBytes > 0) this.#close(0);
      if (this.#waiting.length > 0) this.#give();
    }
    return this.#ready.shift();
  }

  #keep(part: Buffer): void {
    const room = this.#limits.lineBytes - this.#openBytes;
    // Copied: what is a part of a large piece would hold all of it.
    if (room > 0 && part.length > 0) this.#open.push(Buffer.from(part.subarray(0, room)));
    this.#openBytes += part.length;
  }

  /** Ends a line. @param ends bytes that its end takes */
  #close(ends: 0 | 1): void {
    const { line, byte } = this.#place;
    const isTooLong = this.#openBytes > this.#limits.lineBytes;
    let bytes = this.#open.length === 1 ? this.#open[0]! : Buffer.concat(this.#open);
    if (bytes.at(-1) === 0x0d) bytes = bytes.subarray(0, -1);
    this.#place = { line: line + 1, byte: byte + this.#openBytes + ends };
    this.#open = [];
    this.#openBytes = 0;
    if (bytes.length > 0) {
      this.#waiting.push({ index: line, bytes, isTooLong });
      this.#waitingBytes += bytes.length;
    }
    if (this.#waiting.length >= this.#limits.lines || this.#waitingBytes >= this.#limits.bytes) this.#give();
  }

  #give(): void {
    this.#ready.push({ lines: this.#waiting, end: this.#place });
    this.#waiting = [];
    this.#waitingBytes = 0;
    this.#read = 0;
  }
}

/** An object's bytes as they are read, decompressed where their beginning says so. */
export interface Opened {
  readonly bytes: AsyncIterable<Uint8Array>;
  readonly isCompressed: boolean;
}

/** @throws what reading throws; poison error `s3/unsupported` for zstd on a Node that has none */
export async function opened(stored: AsyncIterable<Uint8Array>): Promise<Opened> {
  const iterator = stored[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  while (length < 4) {
    const next = await iterator.next();
    if (next.done === true) break;
    first.push(next.value);
    length += next.value.length;
  }
  const all = async function* (): AsyncGenerator<Uint8Array> {
    try {
      yield* first;
      for (let next = await iterator.next(); next.done !== true; next = await iterator.next()) yield next.value;
    } finally {
      await iterator.return?.();
    }
  };
  const compression = compressionOf(Buffer.concat(first));
  if (compression === undefined) return { bytes: all(), isCompressed: false };
  return { bytes: decompressed(all(), compression), isCompressed: true };
}

async function* decompressed(stored: AsyncGenerator<Uint8Array>, compression: "gzip" | "zstd"): AsyncGenerator<Buffer> {
  const source = Readable.from(stored);
  const decoder = decoderOf(compression);
  source.on("error", (cause) => decoder.destroy(cause));
  source.pipe(decoder);
  try {
    for await (const piece of decoder) yield piece as Buffer;
  } catch (cause) {
    const { code = "" } = cause as { readonly code?: string };
    if (!code.startsWith("Z_") && !code.startsWith("ZSTD_")) throw cause; // reading failed
    throw poisonError({
      code: "s3/damaged",
      message: `The object is not whole ${compression}: ${messageOf(cause)}.`,
      cause,
    });
  } finally {
    source.destroy();
    decoder.destroy();
  }
}

function decoderOf(compression: "gzip" | "zstd"): zlib.Gunzip {
  if (compression === "gzip") return zlib.createGunzip();
  if (hasZstd()) {
    return (zlib as unknown as { readonly createZstdDecompress: () => zlib.Gunzip }).createZstdDecompress();
  }
  throw poisonError({ code: "s3/unsupported", message: `Node ${process.version} cannot decompress zstd.` });
}
