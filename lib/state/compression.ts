import * as zlib from "node:zlib";

/** How bytes are compressed: raw deflate (RFC 1951), or zstd (RFC 8878), which Node has from 22.15 on. */
export type Method = "deflate" | "zstd";

type ZstdOptions = zlib.ZlibOptions & { readonly params?: Readonly<Record<number, number>> };
type Zstd = (bytes: Uint8Array, options?: ZstdOptions) => Buffer;
const { deflateRawSync, inflateRawSync } = zlib;
const { zstdCompressSync, zstdDecompressSync } = zlib as { zstdCompressSync?: Zstd; zstdDecompressSync?: Zstd };
const constants = zlib.constants as Readonly<Record<string, number>>;

/** Whether this process reads and writes zstd. */
export const hasZstd = zstdCompressSync !== undefined && zstdDecompressSync !== undefined;

/** What this process writes: zstd takes less time, much less for large bodies, and about as many bytes. */
export const METHOD: Method = hasZstd ? "zstd" : "deflate";

/** Bytes say themselves how they are compressed: {@link methodOf}. */
export function compressed(bytes: Uint8Array, method = METHOD): Uint8Array {
  if (method === "deflate" || bytes.length < SMALL)
    return bytes.length < LARGE ? deflateRawSync(bytes) : deflateRawSync(bytes, OF_LARGE);
  return zstdCompressSync!(bytes, bytes.length < INLINE ? OF_INLINE : bytes.length < LARGE ? OF_MIDDLE : OF_LARGEST);
}

/** What takes fewer bytes than these is smaller deflated, and takes as long. */
const SMALL = 4 * 1_024;

/** What takes fewer is likely to stay in an item, where each KB is a write unit, which costs more than the time it takes. */
const INLINE = 32 * 1_024;

/** What takes more goes to S3, however well it is compressed: it takes no write units. */
const LARGE = 128 * 1_024;

/**
 * A quarter to a third less time than zlib's own 6 takes with its usual memory, and under a hundredth more bytes: of the
 * commits of Nexmark's queries 18 and 19.
 */
const OF_LARGE = { level: 5, memLevel: 9 } as const;

/**
 * With a window of 16 KB, or 256 KB, for which zstd's tables are small: they are made anew for each body, and take megabytes with
 * its own windows. Without the number of bytes before.
 */
const zstdOf = (level: number, windowLog = 14) => ({
  params: {
    [constants.ZSTD_c_compressionLevel!]: level,
    [constants.ZSTD_c_windowLog!]: windowLog,
    [constants.ZSTD_c_contentSizeFlag!]: 0,
  },
});
const OF_INLINE = hasZstd ? zstdOf(4) : undefined;
const OF_MIDDLE = hasZstd ? zstdOf(3) : undefined;
const OF_LARGEST = hasZstd ? zstdOf(3, 18) : undefined;

/**
 * Of zstd that is cut short there may come a part without an error: who asks for it knows the whole by a checksum.
 *
 * @param most bytes
 * @throws Error for what is not compressed, or holds more
 */
export function decompressed(bytes: Uint8Array, most: number): Uint8Array {
  const options = { maxOutputLength: most };
  if (methodOf(bytes) === "deflate") return inflateRawSync(bytes, options);
  if (!hasZstd) throw new Error("it is compressed by zstd, which Node has from 22.15 on");
  return zstdDecompressSync!(bytes, options);
}

/**
 * How blocks of entries are compressed: deflated, on every Node. Level 4 takes a third of the time of zlib's own 6 and, where keys
 * and numbers are as good as random, no more bytes; a window of 8 KB and the little memory that goes with it are made anew for each
 * block. zstd would be faster by a third, slower to read by a quarter, and take much more memory for so many small pieces.
 */
const BLOCKS = { level: 4, windowBits: 13, memLevel: 6 } as const;

/** Its bytes alone: they are kept, and what zlib gives is the beginning of a larger buffer. */
export const compressedBlock = (bytes: Uint8Array): Uint8Array =>
  new Uint8Array(deflateRawSync(bytes, { ...BLOCKS, chunkSize: Math.max(64, bytes.length + 64) }));

/** @throws Error when it is not made of so many bytes */
export function inflatedBlock(block: Uint8Array, length: number): Uint8Array {
  // One byte more than there is: what has filled its output would be asked again whether there is more.
  const bytes = inflateRawSync(block, { maxOutputLength: length + 1, chunkSize: Math.max(64, length + 1) });
  if (bytes.length !== length) throw new Error("it has another length");
  return bytes;
}

/** No deflated bytes begin as zstd's: they would be stored ones, whose length is not what the next bytes say it is not. */
export const methodOf = (bytes: Uint8Array): Method =>
  bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd ? "zstd" : "deflate";
