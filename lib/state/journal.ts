/** What a unit of work (one record, one pane) changed, so that it can be undone as a whole (X7). */
export class Journal {
  #undo: (() => void)[] = [];

  /** Starts a unit: what was done before stays. */
  begin(): void {
    if (this.#undo.length > 0) this.#undo = [];
  }

  /** Remembers how to take back a change just about to be made. */
  record(undo: () => void): void {
    this.#undo.push(undo);
  }

  /** Takes back all that has changed since {@link begin}, newest first. */
  undo(): void {
    for (let i = this.#undo.length - 1; i >= 0; i--) this.#undo[i]!();
    this.#undo = [];
  }
}
