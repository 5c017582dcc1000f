import type { Duration } from "../../time/duration.ts";
import type { Instant } from "../../time/instant.ts";

/** A timer as it is declared: by which time it fires. */
export interface TimerDeclaration<out D extends "event" | "processing" = "event" | "processing"> {
  readonly kind: "timer";
  readonly domain: D;
}

/** The timers that a process function declares, by name. */
export interface TimerDeclarations {
  readonly [name: string]: TimerDeclaration;
}

/**
 * A timer in event time: it fires when the watermark reaches its time.
 *
 * Timers fire in the order of their times, those too that a firing timer sets. One that is set for a time that has
 * passed fires at once. When the input has ended (a drain), a timer fires once: set again by its own firing it is cleared.
 */
export const eventTime: TimerDeclaration<"event"> = { kind: "timer", domain: "event" };

/**
 * A timer in processing time: it fires in the first turn at or after its time. A tick gives the task one, even if no
 * record comes.
 */
export const processingTime: TimerDeclaration<"processing"> = { kind: "timer", domain: "processing" };

/** A key's timer of one name: set once, or not at all. */
export interface Timer {
  /** When it will fire, epoch milliseconds of its kind of time; undefined when it is not set. */
  readonly at: number | undefined;
  /** Sets it, in the place of where it was set. */
  set(at: Instant): void;
  /** Sets it for so long after the context's `time`, or `now` where it is a timer in processing time. */
  after(duration: Duration): void;
  clear(): void;
}

/** What user code finds under the timers' names. */
export type Timers<D> = { readonly [P in keyof D]: Timer };
