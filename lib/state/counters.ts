/**
 * What became of records, per operator, since the task began. Committed with the state, so they are
 * exact: along a chain, in = folded + filtered + late + dead.
 */
export interface OperatorCounts {
  /** Records that reached the operator. */
  in: number;
  /** Records that a filter turned away. */
  filtered: number;
  /** Records that entered the operator's state, or were sent by a sink. */
  folded: number;
  /** Records whose every window had closed. */
  late: number;
  /** Records (at a source) or panes and timers (elsewhere) that became dead letters. */
  dead: number;
  /** Elements sent to another stage: fewer than records folded, where a batch's records are aggregated first. */
  sent: number;
  /** Windows closed. */
  closed: number;
}

export type CounterField = keyof OperatorCounts;
type CounterName = `${string} ${CounterField}`;

export class Counters {
  readonly #values = new Map<CounterName, number>();
  #undo: (readonly [CounterName, number])[] = [];

  begin(): void {
    this.#undo.length = 0;
  }

  undo(): void {
    for (const [name, n] of this.#undo) this.#values.set(name, this.#values.get(name)! - n);
    this.#undo = [];
  }

  /** Counts some, to be taken back if the unit is undone. The name is `operator field`. */
  count(name: CounterName, n = 1): void {
    this.countForGood(name, n);
    this.#undo.push([name, n]);
  }

  /** Counts some that stay, whatever becomes of the unit. */
  countForGood(name: CounterName, n = 1): void {
    this.#values.set(name, (this.#values.get(name) ?? 0) + n);
  }

  snapshot(): [CounterName, number][] {
    return [...this.#values].filter(([, n]) => n > 0);
  }

  restore(values: readonly [CounterName, number][]): void {
    this.#values.clear();
    for (const [name, value] of values) this.#values.set(name, value);
  }

  byOperator(): Map<string, OperatorCounts> {
    const operators = new Map<string, OperatorCounts>();
    for (const [name, value] of this.#values) {
      const [operator, field] = name.split(" ") as [string, CounterField];
      let counts = operators.get(operator);
      if (counts === undefined) {
        counts = { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, sent: 0, closed: 0 };
        operators.set(operator, counts);
      }
      counts[field] = value;
    }
    return operators;
  }
}
