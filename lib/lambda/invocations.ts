/** What of Lambda's context says how long an invocation may still take. */
interface Remaining {
  readonly getRemainingTimeInMillis?: () => number;
}

/** What a turn needs after its last request: a mark of what was delivered, and an answer. Milliseconds. */
const RESERVE = 3_000;

/** The invocations that are under way in this process: with Lambda's own concurrency that is one. */
export class Invocations {
  readonly #underWay = new Set<Remaining>();

  async run<T>(context: Remaining, work: () => Promise<T>): Promise<T> {
    this.#underWay.add(context);
    try {
      return await work();
    } finally {
      this.#underWay.delete(context);
    }
  }

  /** Milliseconds that may be spent on waiting and trying again: until the first of them ends. */
  left(): number {
    let least = Number.POSITIVE_INFINITY;
    for (const context of this.#underWay) {
      const remaining = context.getRemainingTimeInMillis?.() ?? Number.POSITIVE_INFINITY;
      least = Math.min(least, remaining - RESERVE);
    }
    return least;
  }
}
