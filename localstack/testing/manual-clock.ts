import type { Clock } from "../clock.ts";

/** A clock that moves only when told: sleepers wake in order when their time has come. */
export class ManualClock implements Clock {
  private time: number;
  private sleepers: { readonly at: number; readonly wake: () => void }[] = [];

  constructor(start = 1_000_000_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  sleep(millis: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (signal?.aborted === true || millis <= 0) resolve();
      else {
        this.sleepers.push({ at: this.time + millis, wake: resolve });
        signal?.addEventListener("abort", () => resolve(), { once: true });
      }
    });
  }

  advance(millis: number): void {
    this.time += millis;
    const due = this.sleepers.filter(({ at }) => at <= this.time).sort((a, b) => a.at - b.at);
    this.sleepers = this.sleepers.filter(({ at }) => at > this.time);
    for (const { wake } of due) wake();
  }
}

/** A clock on which every wait is over at once, as if time flew. */
export class FlyingClock implements Clock {
  readonly slept: number[] = [];
  private time: number;

  constructor(start = 1_000_000_000_000) {
    this.time = start;
  }

  now(): number {
    return this.time;
  }

  sleep(millis: number): Promise<void> {
    this.slept.push(millis);
    this.time += millis;
    return Promise.resolve();
  }
}
