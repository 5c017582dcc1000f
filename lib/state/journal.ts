/** Changes beyond these are not kept room for: one large unit does not hold on to what it changed. */
const KEPT = 1_024;

/** What can take a change of its own back. Of the three arguments each kind of change has its own use. */
export interface Undoable {
  undoChange(a: unknown, b: unknown, c: unknown): void;
}

/**
 * What a unit of work (one record, one pane) changed, so that it can be undone as a whole (X7).
 *
 * A change is four values in a list that is used again for every unit, and no function of its own: one is made for every
 * record, and taken back for hardly any.
 */
export class Journal {
  readonly #changed: Undoable[] = [];
  readonly #arguments: unknown[] = [];
  #size = 0;

  /** Starts a unit: what was done before stays. */
  begin(): void {
    this.#size = 0;
    if (this.#changed.length <= KEPT) return;
    this.#changed.length = 0;
    this.#arguments.length = 0;
  }

  /** Remembers how to take back a change just about to be made: what `undoChange` of its owner is to be given. */
  record(owner: Undoable, a: unknown, b?: unknown, c?: unknown): void {
    const at = this.#size++;
    this.#changed[at] = owner;
    this.#arguments[3 * at] = a;
    this.#arguments[3 * at + 1] = b;
    this.#arguments[3 * at + 2] = c;
  }

  /** Takes back all that has changed since {@link begin}, newest first. */
  undo(): void {
    for (let at = this.#size - 1; at >= 0; at--) {
      const [a, b, c] = this.#arguments.slice(3 * at, 3 * at + 3);
      this.#changed[at]!.undoChange(a, b, c);
    }
    this.#size = 0;
  }
}
