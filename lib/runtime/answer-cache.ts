import type { Answer } from "../operators/enrich.ts";

interface Kept {
  readonly answer: Answer;
  /** Epoch milliseconds. */
  readonly until: number;
}

/** Answers of one operator that are kept for later batches: the least recently used go first. */
export class AnswerCache {
  readonly #entries: number;
  readonly #ttl: number;
  readonly #kept = new Map<string, Kept>();

  constructor({ entries, ttl }: { readonly entries: number; readonly ttl: number }) {
    this.#entries = entries;
    this.#ttl = ttl;
  }

  get(key: string, now: number): Answer | undefined {
    const kept = this.#kept.get(key);
    if (kept === undefined) return undefined;
    this.#kept.delete(key);
    if (kept.until <= now) return undefined;
    this.#kept.set(key, kept); // a Map is in the order of insertion
    return kept.answer;
  }

  put(key: string, answer: Answer, now: number): void {
    this.#kept.delete(key);
    this.#kept.set(key, { answer, until: now + this.#ttl });
    for (const oldest of this.#kept.keys()) {
      if (this.#kept.size <= this.#entries) break;
      this.#kept.delete(oldest);
    }
  }
}
