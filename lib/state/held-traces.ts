import type { Journal, Undoable } from "./journal.ts";
import { MOST_TRACES, NO_TRACES, type Traceparent } from "./traceparent.ts";

/** A trace of a record that is in windows: whose, of which event time, and the end of the last of them. */
export type HeldTrace = readonly [operator: string, keyCode: string, time: number, until: number, trace: Traceparent];

/** A window, in event time; of one without an end neither is known. */
interface Stretch {
  readonly start: number | undefined;
  readonly end: number | undefined;
}

/**
 * What a task remembers of traced records while windows that they fell into are open. It is no state of operators: bounded,
 * the oldest giving way, so that who traces much does not pay for it in every commit.
 */
export class HeldTraces implements Undoable {
  readonly #journal: Journal;
  #held: readonly HeldTrace[] = [];

  constructor(journal: Journal) {
    this.#journal = journal;
  }

  /** Remembers the traces of a record of a time, until windows that end then are closed. */
  hold(operator: string, keyCode: string, time: number, until: number, traces: readonly Traceparent[]): void {
    if (traces.length === 0) return;
    const isSame = ([of, key, at, , trace]: HeldTrace) =>
      of === operator && key === keyCode && at === time && traces.includes(trace);
    const last = this.#held.filter(isSame).reduce((latest, [, , , end]) => Math.max(latest, end), until);
    const added = traces.map((trace): HeldTrace => [operator, keyCode, time, last, trace]);
    this.#change([...this.#held.filter((one) => !isSame(one)), ...added].slice(-MOST_TRACES));
  }

  /** The traces of what is in a window. */
  of(operator: string, keyCode: string, { start, end }: Stretch): readonly Traceparent[] {
    if (this.#held.length === 0) return NO_TRACES;
    const isWithin = (time: number) => (start === undefined || start <= time) && (end === undefined || time < end);
    const found = this.#held.filter(([of, key, time]) => of === operator && key === keyCode && isWithin(time));
    return found.length === 0 ? NO_TRACES : [...new Set(found.map(([, , , , trace]) => trace))];
  }

  /** A session has grown: what is in it is held until its end. */
  extend(operator: string, keyCode: string, { start, end }: { readonly start: number; readonly end: number }): void {
    const isShort = ([of, key, time, until]: HeldTrace) =>
      of === operator && key === keyCode && start <= time && time < end && until < end;
    if (!this.#held.some(isShort)) return;
    this.#change(
      this.#held.map((one): HeldTrace => {
        const [, , time, , trace] = one;
        return isShort(one) ? [operator, keyCode, time, end, trace] : one;
      }),
    );
  }

  /** Forgets what was held until windows were closed that end then, or before. */
  forget(operator: string, end: number): void {
    this.#keep(([of, , , until]) => of !== operator || until > end);
  }

  /** Forgets what was held of a key. */
  forgetKey(operator: string, keyCode: string): void {
    this.#keep(([of, key]) => of !== operator || key !== keyCode);
  }

  snapshot(): readonly HeldTrace[] {
    return this.#held;
  }

  restore(held: readonly HeldTrace[]): void {
    this.#held = held.slice(-MOST_TRACES);
  }

  undoChange(before: readonly HeldTrace[]): void {
    this.#held = before;
  }

  #keep(isKept: (one: HeldTrace) => boolean): void {
    if (!this.#held.every(isKept)) this.#change(this.#held.filter(isKept));
  }

  #change(held: readonly HeldTrace[]): void {
    this.#journal.record(this, this.#held);
    this.#held = held;
  }
}
