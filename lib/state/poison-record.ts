/** How many of a task's newest records are judged. */
export const JUDGED_RECORDS = 1_000;

/**
 * Which of a task's last thousand records were poison. Kept in the task's state, so that it does not
 * matter how batches are cut (X10).
 */
export class PoisonRecord {
  #bits = new Uint8Array(JUDGED_RECORDS / 8);
  #next = 0;
  #seen = 0;
  #poison = 0;

  /** Records judged, at most a thousand. */
  get seen(): number {
    return this.#seen;
  }

  /** How many of them were poison. */
  get poison(): number {
    return this.#poison;
  }

  add(poison: boolean): void {
    const byte = this.#next >> 3;
    const bit = 1 << (this.#next & 7);
    if ((this.#bits[byte]! & bit) !== 0) this.#poison--; // the oldest leaves
    if (poison) {
      this.#bits[byte]! |= bit;
      this.#poison++;
    } else {
      this.#bits[byte]! &= ~bit;
    }
    this.#next = (this.#next + 1) % JUDGED_RECORDS;
    if (this.#seen < JUDGED_RECORDS) this.#seen++;
  }

  /** Begins anew: another build's verdicts say nothing of this one. */
  reset(): void {
    this.restore([0, 0, new Uint8Array()]);
  }

  snapshot(): [next: number, seen: number, bits: Uint8Array] {
    return [this.#next, this.#seen, this.#poison === 0 ? new Uint8Array() : this.#bits.slice()];
  }

  restore([next, seen, bits]: readonly [number, number, Uint8Array]): void {
    this.#bits = new Uint8Array(JUDGED_RECORDS / 8);
    this.#bits.set(bits.subarray(0, this.#bits.length));
    this.#next = next;
    this.#seen = seen;
    this.#poison = this.#bits.reduce((sum, byte) => sum + ones(byte), 0);
  }
}

function ones(byte: number): number {
  let n = 0;
  for (let rest = byte; rest > 0; rest &= rest - 1) n++;
  return n;
}
