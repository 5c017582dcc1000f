import type { Journal, Undoable } from "../state/journal.ts";
import { SortedNumbers } from "../state/sorted-numbers.ts";
import { overlaps, type Window } from "../windows/window.ts";

/** A window, and what is known of the records in it. */
export interface Session<out T> {
  readonly window: Window;
  readonly content: T;
}

/** A key's sessions, no two of which overlap: however many there are, those that a window meets are found at once. */
export class SessionSet<T> implements Undoable, Iterable<Session<T>> {
  readonly #journal: Journal;
  readonly #ends = new SortedNumbers();
  readonly #byEnd = new Map<number, Session<T>>();

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Those that a window overlaps, in their order. They are apart, so that no other one is looked at but the next. */
  overlapping(window: Window): readonly Session<T>[] {
    const found: Session<T>[] = [];
    for (const end of this.#ends.above(window.start)) {
      const session = this.#byEnd.get(end)!;
      if (!overlaps(window, session.window)) break;
      found.push(session);
    }
    return found;
  }

  /** @param session that overlaps none of the others */
  put(session: Session<T>): void {
    this.#set(session.window.end, session);
  }

  remove({ window }: Session<T>): void {
    this.#set(window.end, undefined);
  }

  /** In their order. */
  *[Symbol.iterator](): Generator<Session<T>> {
    for (const end of this.#ends) yield this.#byEnd.get(end)!;
  }

  /** Puts back what was there. */
  undoChange(end: number, before: Session<T> | undefined): void {
    if (before === undefined) {
      this.#ends.delete(end);
      this.#byEnd.delete(end);
    } else {
      this.#ends.add(end);
      this.#byEnd.set(end, before);
    }
  }

  #set(end: number, session: Session<T> | undefined): void {
    this.#journal.record(this, end, this.#byEnd.get(end));
    this.undoChange(end, session);
  }
}
