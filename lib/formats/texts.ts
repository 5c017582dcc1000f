const TEXTS = 4_096;
/** Longer ones are rarely the same. */
export const LONGEST_KEPT = 24;

/** Texts that come again and again, each made once. Bounded: a text that falls where another one was takes its place. */
export class Texts {
  readonly #texts = new Array<string>(TEXTS).fill("");
  readonly #hashes = new Int32Array(TEXTS);

  /** The text of ASCII bytes. @param hash of them */
  of(bytes: Buffer, from: number, to: number, hash: number): string {
    const length = to - from;
    if (length > LONGEST_KEPT) return bytes.toString("latin1", from, to);
    const slot = (hash ^ (hash >>> 12)) & (TEXTS - 1);
    const known = this.#texts[slot]!;
    if (this.#hashes[slot] === hash && known.length === length && isText(bytes, from, known)) return known;
    const text = bytes.toString("latin1", from, to);
    this.#texts[slot] = text;
    this.#hashes[slot] = hash;
    return text;
  }
}

function isText(bytes: Buffer, from: number, text: string): boolean {
  for (let i = 0; i < text.length; i++) if (bytes[from + i] !== text.charCodeAt(i)) return false;
  return true;
}
