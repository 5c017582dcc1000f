import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { Packr } from "msgpackr";
import { systemicError } from "../errors.ts";

/** Names how a body is encoded, so that a later build can change it and still read the old. */
export const CODEC = "msgpack+deflate";

/** No body inflates to more than this: a corrupt one must not take the process down. */
const MAX_BODY_BYTES = 512 * 1024 * 1024;

// Without records: a body must be readable on its own, by any build.
const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "bigint" });

/** Plain data, bigints, Dates and byte arrays as compressed bytes. */
export const encodeBody = (value: unknown): Uint8Array => deflateRawSync(packr.pack(value));

/** @throws systemic error `state/corrupt`, naming `what`, when the bytes are not what the checksum says */
export function decodeBody(body: Uint8Array, checksum: string, codec: string, what: string): unknown {
  if (codec !== CODEC) {
    throw systemicError({
      code: "state/codec",
      message: `${what} is encoded as "${codec}", which this build does not know.`,
      advice: "Deploy the build that wrote it, or a later one.",
    });
  }
  if (checksumOf(body) !== checksum) throw corrupt(what, "its checksum does not match");
  try {
    return packr.unpack(inflateRawSync(body, { maxOutputLength: MAX_BODY_BYTES }));
  } catch (cause) {
    throw corrupt(what, "it does not decode", cause);
  }
}

/** The first 64 bits of SHA-256, in hexadecimal: against damage, not against malice. */
export const checksumOf = (bytes: Uint8Array): string => createHash("sha256").update(bytes).digest("hex").slice(0, 16);

export const corrupt = (what: string, how: string, cause?: unknown) =>
  systemicError({
    code: "state/corrupt",
    message: `${what} is damaged: ${how}.`,
    advice: 'See docs/operations.md, section "A damaged commit or checkpoint".',
    cause,
  });
