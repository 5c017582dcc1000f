import * as zlib from "node:zlib";
import { SnappyError, uncompressSnappy } from "./snappy.ts";

/** How bytes are compressed. Gzip and zstd say so themselves; raw snappy has to be declared. */
export type Compression = "gzip" | "zstd" | "snappy";

/** Why compressed bytes give nothing. */
export class CompressionError extends Error {
  override readonly name = "CompressionError";
  readonly code: "compression/damaged" | "compression/too-large" | "compression/unsupported";

  constructor(code: CompressionError["code"], message: string) {
    super(message);
    this.code = code;
  }
}

/** What the first bytes say: RFC 1952 (gzip), RFC 8878 (zstd). No JSON text begins like these. */
export function compressionOf(bytes: Uint8Array): Exclude<Compression, "snappy"> | undefined {
  if (bytes[0] === 0x1f && bytes[1] === 0x8b) return "gzip";
  if (bytes[0] === 0x28 && bytes[1] === 0xb5 && bytes[2] === 0x2f && bytes[3] === 0xfd) return "zstd";
  return undefined;
}

/**
 * Decompresses untrusted bytes.
 *
 * @param most bytes that may come of them; no more are ever made
 * @throws CompressionError; `compression/unsupported` for zstd on a Node older than 22.15, which has none
 */
export function decompress(bytes: Uint8Array, compression: Compression, most: number): Buffer {
  try {
    if (compression === "snappy") return uncompressSnappy(bytes, most);
    if (compression === "gzip") return zlib.gunzipSync(bytes, { maxOutputLength: most });
    return unzstd(bytes, most);
  } catch (thrown) {
    if (thrown instanceof CompressionError) throw thrown;
    const { code } = thrown as { readonly code?: unknown };
    if (code === "ERR_BUFFER_TOO_LARGE" || (thrown instanceof SnappyError && thrown.isTooLarge)) {
      throw new CompressionError("compression/too-large", `The payload decompresses to more than ${most} bytes.`);
    }
    throw new CompressionError("compression/damaged", `The payload is not whole ${compression}.`);
  }
}

/** Absent before Node 22.15. */
type Unzstd = (bytes: Uint8Array, options: { readonly maxOutputLength: number }) => Buffer;

export const hasZstd = (): boolean => "zstdDecompressSync" in zlib;

function unzstd(bytes: Uint8Array, most: number): Buffer {
  if (hasZstd())
    return (zlib as unknown as { readonly zstdDecompressSync: Unzstd }).zstdDecompressSync(bytes, {
      maxOutputLength: most,
    });
  throw new CompressionError("compression/unsupported", `Node ${process.version} cannot decompress zstd.`);
}
