import type { Measure } from "./metric.ts";

/** What metrics have summed up since it was last taken: one sum per metric and values of its dimensions. */
export class Measures {
  readonly #sums = new Map<string, Measure>();
  #undo: (readonly [key: string, before: Measure | undefined])[] = [];

  /** Starts a unit of work that is kept or undone as a whole. */
  begin(): void {
    if (this.#undo.length > 0) this.#undo = []; // most units measure nothing
  }

  undo(): void {
    for (const [key, before] of this.#undo.toReversed()) {
      if (before === undefined) this.#sums.delete(key);
      else this.#sums.set(key, before);
    }
    this.begin();
  }

  add(measure: Measure): void {
    const key = JSON.stringify([measure.metric, ...Object.values(measure.dimensions)]);
    const before = this.#sums.get(key);
    this.#undo.push([key, before]); // what was there, and not a difference: sums of fractions cannot be taken back
    this.#sums.set(key, before === undefined ? measure : { ...before, value: before.value + measure.value });
  }

  all(): readonly Measure[] {
    return [...this.#sums.values()];
  }

  take(): readonly Measure[] {
    const all = this.all();
    this.#sums.clear();
    this.begin();
    return all;
  }
}
