/** The states that were found, by number, and which follows which. */
export class StateGraph {
  readonly #next: number[][] = [];
  readonly #ends = new Set<number>();
  #steps = 0;

  get states(): number {
    return this.#next.length;
  }

  /** Steps from one state to another. */
  get steps(): number {
    return this.#steps;
  }

  add(): number {
    return this.#next.push([]) - 1;
  }

  connect(from: number, to: number): void {
    this.#next[from]!.push(to);
    this.#steps++;
  }

  /** In this state all is done; more may happen all the same. */
  markEnd(state: number): void {
    this.#ends.add(state);
  }

  get ends(): number {
    return this.#ends.size;
  }

  /** A state from which no end can be reached; undefined when there is none. */
  findStuck(): number | undefined {
    const before: number[][] = this.#next.map(() => []);
    this.#next.forEach((nexts, from) => nexts.forEach((to) => before[to]!.push(from)));
    const reaches = new Uint8Array(this.states);
    const open = [...this.#ends];
    for (const end of open) reaches[end] = 1;
    for (let state = open.pop(); state !== undefined; state = open.pop()) {
      for (const from of before[state]!) {
        if (reaches[from] === 0) {
          reaches[from] = 1;
          open.push(from);
        }
      }
    }
    const stuck = reaches.indexOf(0);
    return stuck < 0 ? undefined : stuck;
  }

  /**
   * The paths from the first state to an end: complete schedules, most of which were never walked whole. A step
   * back to a state that the path has left (an attempt that failed and changed nothing) is not counted.
   */
  countSchedules(): bigint {
    const counts = new Map<number, bigint>();
    const onPath = new Uint8Array(this.states);
    const path = [{ state: 0, at: 0, count: 0n }];
    for (;;) {
      const top = path.at(-1)!;
      if (top.at === 0) {
        onPath[top.state] = 1;
        if (this.#ends.has(top.state)) top.count++;
      }
      const next = this.#next[top.state]![top.at++];
      if (next === undefined) {
        onPath[top.state] = 0;
        counts.set(top.state, top.count);
        path.pop();
        const below = path.at(-1);
        if (below === undefined) return top.count;
        below.count += top.count;
      } else if (onPath[next] === 0) {
        const known = counts.get(next);
        if (known === undefined) path.push({ state: next, at: 0, count: 0n });
        else top.count += known;
      }
    }
  }
}
