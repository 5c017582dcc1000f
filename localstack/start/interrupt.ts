import { setTimeout as wait } from "node:timers/promises";

/** Someone wants the command to end: Ctrl-C, a signal, or a reader of its output that went away. */
export class Interrupt {
  readonly #abort = new AbortController();
  #code = 130;

  readonly signal: AbortSignal = this.#abort.signal;

  /** What to exit with: 128 and the signal's number, as shells do. */
  get exitCode(): number {
    return this.#code;
  }

  /** @param onFirst told once, so that the user sees that it was heard */
  listen(onFirst: () => void): void {
    const end = (code: number) => () => {
      if (this.#abort.signal.aborted) return;
      this.#code = code;
      onFirst();
      this.#abort.abort(new Interrupted());
    };
    // A second Ctrl-C changes nothing: the first one is being obeyed, and what it stops must be stopped.
    process.on("SIGINT", end(130));
    process.on("SIGTERM", end(143));
    process.on("SIGHUP", end(129));
    process.stdout.on("error", end(141));
  }

  /** @throws Interrupted when it is time to end */
  check(): void {
    this.signal.throwIfAborted();
  }

  /** Waits, but no longer than until it is time to end. @throws Interrupted */
  readonly sleep = async (millis: number): Promise<void> => {
    await wait(millis, undefined, { signal: this.signal }).catch(() => this.check());
  };

  /** Settles as the work does, or rejects as soon as it is time to end. */
  async orEnd<T>(work: Promise<T>): Promise<T> {
    this.check();
    let leave = (): void => undefined;
    const ended = new Promise<never>((_, reject) => {
      leave = () => reject(new Interrupted());
      this.signal.addEventListener("abort", leave, { once: true });
    });
    try {
      return await Promise.race([work, ended]);
    } finally {
      this.signal.removeEventListener("abort", leave);
      ended.catch(() => undefined);
      work.catch(() => undefined);
    }
  }
}

export class Interrupted extends Error {
  override readonly name = "Interrupted";
}
