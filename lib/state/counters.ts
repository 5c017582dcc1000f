/**
 * What became of records, per operator, since the task began. Committed with the state, so they are
 * exact: along a chain, in = folded + filtered + late + dead.
 */
export interface OperatorCounts {
  /** Records that reached the operator. */
  readonly in: number;
  /** Records that a filter turned away. */
  readonly filtered: number;
  /** Records that entered the operator's state, or were sent by a sink. */
  readonly folded: number;
  /** Records whose every window had closed. */
  readonly late: number;
  /** Records (at a source) or panes and timers (elsewhere) that became dead letters. */
  readonly dead: number;
  /** Elements sent to another stage: fewer than records folded, where a batch's records are aggregated first. */
  readonly sent: number;
  /** Windows closed. */
  readonly closed: number;
}

export type CounterField = keyof OperatorCounts;
type CounterName = `${string} ${CounterField}`;

/** One of an operator's counters. */
export class Counter {
  readonly #counted: Counted;
  value = 0;

  constructor(counted: Counted) {
    this.#counted = counted;
  }

  /** Counts some, to be taken back if the unit is undone. */
  add(n = 1): void {
    this.value += n;
    this.#counted.note(this, n);
  }

  /** Counts some that stay, whatever becomes of the unit. */
  addForGood(n = 1): void {
    this.value += n;
  }
}

/** An operator's counters: who counts asks for them once, not for every record. */
export type OperatorCounters = Readonly<Record<CounterField, Counter>>;

/** What a unit has counted: in lists that are used again, as in `Journal`. */
class Counted {
  readonly #counters: Counter[] = [];
  readonly #amounts: number[] = [];
  #size = 0;

  note(counter: Counter, n: number): void {
    const at = this.#size++;
    this.#counters[at] = counter;
    this.#amounts[at] = n;
  }

  begin(): void {
    this.#size = 0;
  }

  undo(): void {
    for (let at = 0; at < this.#size; at++) this.#counters[at]!.value -= this.#amounts[at]!;
    this.#size = 0;
  }
}

export class Counters {
  readonly #counters = new Map<string, OperatorCounters>();
  readonly #counted = new Counted();

  begin(): void {
    this.#counted.begin();
  }

  undo(): void {
    this.#counted.undo();
  }

  /** An operator's counters: the same ones, whatever is restored. */
  of(operator: string): OperatorCounters {
    let counters = this.#counters.get(operator);
    if (counters === undefined) {
      const counter = () => new Counter(this.#counted);
      const [into, filtered, folded, late] = [counter(), counter(), counter(), counter()];
      counters = { in: into, filtered, folded, late, dead: counter(), sent: counter(), closed: counter() };
      this.#counters.set(operator, counters);
    }
    return counters;
  }

  snapshot(): [CounterName, number][] {
    return [...this.#counters].flatMap(([operator, counters]) =>
      (Object.entries(counters) as [CounterField, Counter][])
        .filter(([, { value }]) => value > 0)
        .map(([field, { value }]): [CounterName, number] => [`${operator} ${field}`, value]),
    );
  }

  restore(values: readonly [CounterName, number][]): void {
    for (const counters of this.#counters.values()) for (const counter of Object.values(counters)) counter.value = 0;
    for (const [name, value] of values) {
      const [operator, field] = name.split(" ") as [string, CounterField];
      this.of(operator)[field].value = value;
    }
  }

  /** Of operators that have counted something. */
  byOperator(): Map<string, OperatorCounts> {
    const counts = new Map<string, OperatorCounts>();
    for (const [operator, { in: into, filtered, folded, late, dead, sent, closed }] of this.#counters) {
      const all = [into, filtered, folded, late, dead, sent, closed];
      if (all.every(({ value }) => value === 0)) continue;
      counts.set(operator, {
        in: into.value,
        filtered: filtered.value,
        folded: folded.value,
        late: late.value,
        dead: dead.value,
        sent: sent.value,
        closed: closed.value,
      });
    }
    return counts;
  }
}
