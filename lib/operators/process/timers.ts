import { poisonError } from "../../errors.ts";
import { partIn, keyCodeIn } from "../../state/entry-key.ts";
import type { KeyedTable } from "../../state/keyed-table.ts";
import type { TaskState } from "../../state/task-state.ts";
import { toMillis, type Duration } from "../../time/duration.ts";
import { MAX_INSTANT, type Instant } from "../../time/instant.ts";
import type { Scope } from "./scope.ts";
import type { Timer } from "./timer.ts";

/** The tables of an operator's timers, by their kind of time. */
export const timerTableOf = (operator: string, domain: "event" | "processing"): string =>
  `${operator}$${domain === "event" ? "timers" : "wakes"}`;

/** A timer that is due, taken out of the state. */
export interface DueTimer {
  readonly keyCode: string;
  readonly timer: string;
  readonly at: number;
}

/**
 * An operator's timers of one kind of time.
 *
 * State: space = when it fires, key = the key's code and the timer's name, value = true. A (key, name) is in one space
 * at most.
 */
export class TimerQueue {
  readonly #name: string;
  readonly #state: TaskState;

  constructor(operator: string, domain: "event" | "processing", state: TaskState) {
    this.#name = timerTableOf(operator, domain);
    this.#state = state;
  }

  /** When the first fires; infinity when none is set. */
  get least(): number {
    return this.#state.hasTable(this.#name) ? this.#table.least : Number.POSITIVE_INFINITY;
  }

  at(key: string): number | undefined {
    return this.#state.hasTable(this.#name) ? this.#table.spacesOf(key).first : undefined;
  }

  /** @param before when it fires as it is set now */
  set(key: string, before: number | undefined, at: number): void {
    if (before === at) return;
    if (before !== undefined) this.#table.remove(before, key);
    this.#table.put(at, key, true);
  }

  clear(key: string): void {
    const at = this.at(key);
    if (at !== undefined) this.#table.remove(at, key);
  }

  /**
   * Takes out what is due at or before a time, in order; what is set meanwhile too.
   *
   * @param once each key's timer of a name at most once: what is set again is taken out unseen
   */
  *due(time: number, once: boolean): Generator<DueTimer> {
    const seen = once ? new Set<string>() : undefined;
    while (this.least <= time) {
      const at = this.least;
      for (const key of [...this.#table.entriesOf(at).keys()].sort()) {
        if (this.#table.get(at, key) === undefined) continue; // one that fired before it has moved or cleared it
        this.#table.remove(at, key);
        if (seen?.has(key)) continue;
        seen?.add(key);
        yield { keyCode: keyCodeIn(key), timer: partIn(key).part, at };
      }
    }
  }

  get #table(): KeyedTable {
    return this.#state.table(this.#name);
  }
}

/** What user code finds under a timer's name: the current key's, whichever that is. */
export class TimerHandle implements Timer {
  readonly #name: string;
  readonly #domain: "event" | "processing";
  readonly #queue: TimerQueue;
  readonly #scope: Scope;

  constructor(name: string, domain: "event" | "processing", queue: TimerQueue, scope: Scope) {
    this.#name = name;
    this.#domain = domain;
    this.#queue = queue;
    this.#scope = scope;
  }

  get at(): number | undefined {
    return this.#queue.at(this.#scope.partKey(this.#name));
  }

  set(at: Instant): void {
    const { timer, now } = this.#scope.call;
    const millis = this.#checked(at);
    // Else a timer that sets itself again would fire for ever.
    const passed = timer?.domain === "processing" ? now : timer?.at;
    if (timer?.domain === this.#domain && millis <= passed!) {
      throw this.#refuse(
        `${millis} by a timer that fires at ${passed!}`,
        "A firing timer sets timers for later times.",
      );
    }
    const key = this.#scope.partKey(this.#name);
    const before = this.#queue.at(key);
    if (before === undefined) this.#scope.checkRange();
    this.#queue.set(key, before, millis);
  }

  after(duration: Duration): void {
    const { meta, now } = this.#scope.call;
    const from = this.#domain === "event" ? meta.time : now;
    this.set(from + toMillis(duration, `timer "${this.#name}" of operator "${this.#scope.operator}"`));
  }

  clear(): void {
    this.#queue.clear(this.#scope.partKey(this.#name));
  }

  /** @throws poison error `timer/instant` */
  #checked(at: unknown): number {
    const millis = at instanceof Date ? at.getTime() : at;
    if (typeof millis === "number" && Number.isInteger(millis) && Math.abs(millis) <= MAX_INSTANT) return millis;
    const what = typeof millis === "number" ? String(millis) : `a ${typeof millis}`;
    throw this.#refuse(what, "Set it to whole epoch milliseconds, or a Date.");
  }

  #refuse(to: string, advice: string) {
    return poisonError({
      code: "timer/instant",
      message: `Timer "${this.#name}" of operator "${this.#scope.operator}" was set to ${to}.`,
      advice,
    });
  }
}
