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
  // By operator and then by field: names joined for every record would cost more than the counting.
  readonly #values = new Map<string, OperatorCounts>();
  /** What the unit has counted: whose, what, how many. Lists that are used again, as in `Journal`. */
  readonly #counted: OperatorCounts[] = [];
  readonly #fields: CounterField[] = [];
  readonly #amounts: number[] = [];
  #size = 0;

  begin(): void {
    this.#size = 0;
  }

  undo(): void {
    for (let at = 0; at < this.#size; at++) this.#counted[at]![this.#fields[at]!] -= this.#amounts[at]!;
    this.#size = 0;
  }

  /** Counts some, to be taken back if the unit is undone. */
  count(operator: string, field: CounterField, n = 1): void {
    const counts = this.#of(operator);
    counts[field] += n;
    const at = this.#size++;
    this.#counted[at] = counts;
    this.#fields[at] = field;
    this.#amounts[at] = n;
  }

  /** Counts some that stay, whatever becomes of the unit. */
  countForGood(operator: string, field: CounterField, n = 1): void {
    this.#of(operator)[field] += n;
  }

  snapshot(): [CounterName, number][] {
    return [...this.#values].flatMap(([operator, counts]) =>
      (Object.entries(counts) as [CounterField, number][])
        .filter(([, n]) => n > 0)
        .map(([field, n]): [CounterName, number] => [`${operator} ${field}`, n]),
    );
  }

  restore(values: readonly [CounterName, number][]): void {
    this.#values.clear();
    for (const [name, value] of values) {
      const [operator, field] = name.split(" ") as [string, CounterField];
      this.#of(operator)[field] = value;
    }
  }

  byOperator(): Map<string, OperatorCounts> {
    return new Map([...this.#values].map(([operator, counts]) => [operator, { ...counts }]));
  }

  #of(operator: string): OperatorCounts {
    let counts = this.#values.get(operator);
    if (counts === undefined) {
      counts = { in: 0, filtered: 0, folded: 0, late: 0, dead: 0, sent: 0, closed: 0 };
      this.#values.set(operator, counts);
    }
    return counts;
  }
}
