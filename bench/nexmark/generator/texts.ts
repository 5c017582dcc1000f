import { EventRandom } from "./random.ts";

const LETTERS = "abcdefghijklmnopqrstuvwxyz";
const LEAST_LENGTH = 3;

/** One character in so many of a text is the special one. */
const SPECIAL_EVERY = 13;

/** A text of 3 to `limit` characters, `limit` excluded: small letters, and `special` between them but not at its ends. */
export function textOf(random: EventRandom, limit: number, special = " "): string {
  const length = LEAST_LENGTH + random.below(limit - LEAST_LENGTH);
  let text = "";
  for (let i = 0; i < length; i++) {
    text += random.below(SPECIAL_EVERY) === 0 ? special : LETTERS[random.below(LETTERS.length)]!;
  }
  return text.trim();
}

/** More than the longest `extra`. */
const POOL = 1 << 20;

/** The `extra` of events, which brings them to their mean size: pieces of one long text of letters. */
export class ExtraTexts {
  readonly #pool: string;

  constructor(seed: number) {
    const random = new EventRandom(seed).begin(-1);
    const bytes = Buffer.alloc(POOL);
    for (let i = 0; i < POOL; i++) bytes[i] = LETTERS.charCodeAt(random.below(LETTERS.length));
    this.#pool = bytes.toString("latin1");
  }

  /** @param size bytes that the event has without it; what is left to `mean` varies by a fifth to both sides */
  fill(random: EventRandom, size: number, mean: number): string {
    const left = mean - size;
    if (left < 0) return "";
    const spread = Math.round(left * 0.2);
    const length = left - spread + (spread === 0 ? 0 : random.below(2 * spread));
    const from = random.below(POOL - length);
    return this.#pool.slice(from, from + length);
  }
}
