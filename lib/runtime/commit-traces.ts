import { MOST_TRACES, NO_TRACES, type Traceparent } from "../state/traceparent.ts";

/** A trace of records that a commit folds or makes outputs of. */
export interface TraceLink {
  readonly trace: Traceparent;
  /** Places, in the commit, of the outputs that were made of its records. */
  readonly outputs: readonly number[];
}

/** What of a commit is traced. */
export interface TracedCommit {
  readonly links: readonly TraceLink[];
  /** Traces beyond those that are kept. */
  readonly dropped: number;
}

/** The traces of the commit that is being made. */
export class CommitTraces {
  /** Of the unit at work. */
  #current = NO_TRACES;
  /** In the order in which they came; a unit that is undone was there all the same. */
  readonly #seen = new Set<Traceparent>();
  /** By the output's place. */
  readonly #outputs = new Map<number, readonly Traceparent[]>();

  /** Of what is at work. */
  get current(): readonly Traceparent[] {
    return this.#current;
  }

  /** What is at work from now on is of these, and no others. */
  enter(traces: readonly Traceparent[]): void {
    this.#current = traces;
    for (const trace of traces) this.#seen.add(trace);
  }

  /** An output was made. @param place its index among the commit's */
  sent(place: number): void {
    if (this.#current.length > 0) this.#outputs.set(place, this.#current);
  }

  /** All outputs from a place on were taken back. */
  undo(from: number): void {
    for (const place of this.#outputs.keys()) if (place >= from) this.#outputs.delete(place);
  }

  /** What is traced since the last call; undefined when nothing is. */
  take(): TracedCommit | undefined {
    this.#current = NO_TRACES;
    if (this.#seen.size === 0) return undefined;
    const places = new Map([...this.#seen].slice(0, MOST_TRACES).map((trace) => [trace, [] as number[]]));
    for (const [place, traces] of this.#outputs) for (const trace of traces) places.get(trace)?.push(place);
    const dropped = this.#seen.size - places.size;
    this.#seen.clear();
    this.#outputs.clear();
    return { links: [...places].map(([trace, outputs]) => ({ trace, outputs })), dropped };
  }
}
