/** Per key of a table the spaces where it has an entry. */
export class KeySpaces {
  readonly #spaces = new Map<string, number[]>();

  /** In no order. */
  of(key: string): readonly number[] {
    return this.#spaces.get(key) ?? [];
  }

  /** An entry has come. */
  add(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) this.#spaces.set(key, [space]);
    else spaces.push(space);
  }

  /** An entry has gone. */
  remove(space: number, key: string): void {
    const spaces = this.#spaces.get(key);
    if (spaces === undefined) return;
    if (spaces.length === 1) this.#spaces.delete(key);
    else spaces.splice(spaces.indexOf(space), 1);
  }
}
