import type { Output } from "../state/commit.ts";
import type { TracedCommit } from "./commit-traces.ts";
import type { Observer } from "./observer.ts";
import { childSpan, commitSpan, type Span } from "./spans.ts";

/** Tells of a task's commits those that are traced: once they are won, and once they are delivered. */
export class Tracing {
  readonly #task: string;
  readonly #observer: Observer;
  readonly #now: () => number;
  /** Of the commit that this process made last, until it is delivered. */
  #head: { readonly epoch: number; readonly span: Span } | undefined = undefined;

  constructor(task: string, { observer, now }: { readonly observer: Observer; readonly now: () => number }) {
    this.#task = task;
    this.#observer = observer;
    this.#now = now;
  }

  /**
   * @param traced nothing for a commit that is not
   * @param times when the turn began, when its fold ended and when the commit was won: epoch milliseconds
   */
  committed(
    epoch: number,
    traced: TracedCommit | undefined,
    outputs: readonly Output[],
    { begun, folded, committed }: { readonly begun: number; readonly folded: number; readonly committed: number },
  ): void {
    this.#head = undefined;
    if (traced === undefined) return;
    const span = commitSpan(this.#task, epoch, traced, outputs, { start: begun, end: committed });
    this.#head = { epoch, span };
    const fold = childSpan(this.#task, epoch, span, "fold", { start: begun, end: folded });
    this.#observer.traced?.(this.#task, epoch, [span, fold]);
  }

  /** Tells of a delivery that succeeds. A commit of another process may have been traced: its outputs do not say so. */
  async delivering(epoch: number, deliver: () => Promise<void>): Promise<void> {
    const head = this.#head;
    if (head?.epoch !== epoch) return deliver();
    const start = this.#now();
    await deliver();
    this.#head = undefined;
    const span = childSpan(this.#task, epoch, head.span, "deliver", { start, end: this.#now() });
    this.#observer.traced?.(this.#task, epoch, [span]);
  }
}
