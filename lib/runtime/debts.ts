import { breakerOpen, type Breakers } from "./breakers.ts";
import { isOutOfTime, type Wait } from "./retries.ts";

/** What of a commit's outputs this process could not deliver. */
export interface Debt {
  readonly epoch: number;
  readonly sinks: readonly string[];
}

export interface DebtsSettings {
  readonly breakers: Breakers;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: Wait;
  /** Milliseconds between two invocations from which on being invoked again is cheaper than waiting. */
  readonly breakEven: number;
}

/** Of the invocation's time, what may be waited. */
const SHARE = 0.5;

/**
 * What a task owes to sinks that are down. Until one of them may be tried again a turn of it fails at once: it would read,
 * and fail all the same (X5).
 *
 * Waiting costs the function's memory by the second, and being invoked again a request and a line of the log. Who is
 * invoked again after a pause of `g` and waits `h` spends `(c + w h) / (g + h)`: the more the longer it waits, if `g` is
 * above `c / w`, the break-even, and else the less. So it waits only where what invokes it makes no pause of its own.
 */
export class Debts {
  readonly #settings: DebtsSettings;
  readonly #owed = new Map<string, Debt>();
  readonly #refusedAt = new Map<string, number>();

  constructor(settings: DebtsSettings) {
    this.#settings = settings;
  }

  owe(task: string, debt: Debt): void {
    this.#owed.set(task, debt);
  }

  settle(task: string): void {
    this.#owed.delete(task);
    this.#refusedAt.delete(task);
  }

  /** @throws infrastructure error `breaker/open` while a sink that the task owes to is left alone */
  async admit(task: string): Promise<void> {
    const debt = this.#owed.get(task);
    if (debt === undefined) return;
    if (this.#refusal(debt) !== undefined) await this.#hold(task, debt);
    const refusal = this.#refusal(debt);
    if (refusal === undefined) return;
    this.#refusedAt.set(task, this.#settings.now());
    throw breakerOpen(
      `The sink "${refusal.sink}", to which ${task} owes outputs of commit ${debt.epoch},`,
      refusal.wait,
    );
  }

  async #hold(task: string, debt: Debt): Promise<void> {
    const { now, wait, breakEven } = this.#settings;
    const gap = now() - (this.#refusedAt.get(task) ?? Number.NEGATIVE_INFINITY);
    if (gap >= breakEven || isOutOfTime(wait)) return;
    const left = wait.left?.() ?? Number.POSITIVE_INFINITY;
    await wait(Math.min(this.#refusal(debt)?.wait ?? 0, left * SHARE));
  }

  /** Of the sinks that the task owes to the one that is tried again first; none where one of them may be tried now. */
  #refusal({ sinks }: Debt): { readonly sink: string; readonly wait: number } | undefined {
    let first: { sink: string; wait: number } | undefined;
    for (const sink of sinks) {
      const { wait } = this.#settings.breakers.ofSink(sink);
      if (wait === undefined) return undefined;
      if (first === undefined || wait < first.wait) first = { sink, wait };
    }
    return first;
  }
}
