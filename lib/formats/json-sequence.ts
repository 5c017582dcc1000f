/** What every text of a sequence begins with: RFC 7464. No JSON text has this byte, so it also tells a sequence from one. */
export const RECORD_SEPARATOR = 0x1e;
const LINE_FEED = 0x0a;

/** Why bytes are no sequence of texts. */
export class SequenceError extends Error {
  override readonly name = "SequenceError";
}

export const isJsonSequence = (bytes: Uint8Array): boolean => bytes[0] === RECORD_SEPARATOR;

/** Texts as a sequence. Each must be JSON: then none has the separator in it. */
export const encodeSequence = (texts: readonly (string | Uint8Array)[]): Buffer =>
  Buffer.concat(texts.flatMap((text) => [SEPARATOR, Buffer.from(text as string), END]));

const SEPARATOR = Buffer.of(RECORD_SEPARATOR);
const END = Buffer.of(LINE_FEED);

/**
 * The texts of a sequence, as they stand there: they are not parsed, and share its memory.
 *
 * @throws SequenceError where the end of a text is missing: it was cut off
 */
export function splitSequence(bytes: Buffer): readonly Buffer[] {
  const bounds = boundsInSequence(bytes);
  return Array.from({ length: bounds.length / 2 }, (_, i) => bytes.subarray(bounds[2 * i], bounds[2 * i + 1]));
}

/**
 * Where the texts of a sequence begin and have ended, one after the other.
 *
 * @throws SequenceError where the end of a text is missing: it was cut off
 */
export function boundsInSequence(bytes: Buffer): readonly number[] {
  const bounds: number[] = [];
  for (let start = 0; start < bytes.length;) {
    const next = bytes.indexOf(RECORD_SEPARATOR, start + 1);
    const end = next === -1 ? bytes.length : next;
    if (bytes[end - 1] !== LINE_FEED || end - 1 === start)
      throw new SequenceError("A text of the sequence was cut off.");
    bounds.push(start + 1, end - 1);
    start = end;
  }
  return bounds;
}
