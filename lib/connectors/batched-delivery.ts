import { infrastructureError } from "../errors.ts";
import { isOutOfTime, Retries, type Wait } from "../runtime/retries.ts";
import { InterruptedDelivery, type Delivery, type Refusal } from "../runtime/sink-writer.ts";

/** What became of an entry of a request. */
export type Outcome =
  | { readonly kind: "taken" }
  /** It may be taken later. `after` is how long the system wants to be left alone, in milliseconds. */
  | { readonly kind: "left"; readonly why: string; readonly after?: number }
  /** It will never be taken. */
  | { readonly kind: "refused"; readonly why: string };

export const TAKEN: Outcome = { kind: "taken" };

/** A delivery as an entry of a request. */
export interface Entry<T> {
  readonly delivery: Delivery;
  readonly content: T;
  /** What it takes of a request, in bytes. */
  readonly bytes: number;
  /** Entries of one lane keep their order; none for those that have none. */
  readonly lane?: string | undefined;
}

export interface Batching<T> {
  /** What takes the entries, in errors: `Queue …`. */
  readonly what: string;
  /** The code of the error when it does not. */
  readonly code: string;
  readonly maxEntries: number;
  readonly maxBytes: number;
  /** Between the attempts at what requests leave out. */
  readonly wait: Wait;
  /**
   * One request.
   *
   * @returns what became of each entry, in their order
   * @throws what means that no entry is known to be taken
   */
  send(entries: readonly Entry<T>[]): Promise<readonly Outcome[]>;
}

/**
 * How far behind the first entry that is not done with others are taken, where lanes keep their order: it bounds what is
 * repeated after an interruption.
 */
const LOOK_AHEAD = 1_000;

/**
 * Delivers in batches. A request has no two entries of a lane, and the next of a lane is sent when the one before was taken:
 * what a request leaves out is never overtaken, however its system orders what it takes.
 *
 * @returns what was refused for good
 * @throws an {@link InterruptedDelivery} saying how many, from the first on, were taken or refused
 */
export async function deliverInBatches<T>(
  entries: readonly Entry<T>[],
  batching: Batching<T>,
): Promise<readonly Refusal[]> {
  const progress = new Progress(entries);
  for (;;) {
    const batch = progress.next(batching);
    if (batch.length === 0) return progress.refusals(entries.length);
    try {
      // The first is sent in any case: each turn gets something done.
      if (progress.first > 0 && isOutOfTime(batching.wait)) throw outOfTime(batching);
      await sendAll(batch, progress, batching);
    } catch (cause) {
      const count = progress.first;
      throw new InterruptedDelivery(count, cause, progress.refusals(count));
    }
  }
}

/** Sends what of a batch is not done with, until all of it is. @throws what stands in the way, when patience has ended */
async function sendAll<T>(batch: readonly number[], progress: Progress<T>, batching: Batching<T>): Promise<void> {
  const { what, code, wait } = batching;
  const retries = new Retries(wait);
  for (let rest = batch; ;) {
    const outcomes = await batching.send(rest.map((index) => progress.entries[index]!));
    rest.forEach((index, i) => progress.note(index, outcomes[i] ?? { kind: "left", why: "no answer" }));
    const left = rest.filter((index) => !progress.isDone(index));
    if (left.length === 0) return;
    const why = outcomes.find(({ kind }) => kind === "left");
    const asked = outcomes.map((one) => (one.kind === "left" ? (one.after ?? 0) : 0));
    if (!(await retries.again(Math.max(...asked)))) {
      throw infrastructureError({
        code,
        message: `${what} took all but ${left.length} of ${batch.length} in ${retries.attempt} attempts (${why?.kind === "left" ? why.why : "no answer"}).`,
      });
    }
    rest = left;
  }
}

const outOfTime = ({ what, code }: Pick<Batching<never>, "what" | "code">) =>
  infrastructureError({ code, message: `${what} took no more before the invocation's time was over.` });

/** Which entries are done with. */
class Progress<T> {
  readonly entries: readonly Entry<T>[];
  readonly #outcomes: (Outcome | undefined)[];
  /** The first that is not done with. */
  first = 0;

  constructor(entries: readonly Entry<T>[]) {
    this.entries = entries;
    this.#outcomes = entries.map(() => undefined);
  }

  isDone(index: number): boolean {
    return this.#outcomes[index] !== undefined;
  }

  note(index: number, outcome: Outcome): void {
    if (outcome.kind !== "left") this.#outcomes[index] = outcome;
    while (this.first < this.entries.length && this.isDone(this.first)) this.first++;
  }

  /** What the next request may have: the first that are not done with, one of each lane. */
  next({ maxEntries, maxBytes }: Pick<Batching<T>, "maxEntries" | "maxBytes">): readonly number[] {
    const batch: number[] = [];
    const lanes = new Set<string>();
    let bytes = 0;
    const end = Math.min(this.entries.length, this.first + LOOK_AHEAD);
    for (let index = this.first; index < end && batch.length < maxEntries; index++) {
      const entry = this.entries[index]!;
      if (this.isDone(index) || (entry.lane !== undefined && lanes.has(entry.lane))) continue;
      if (batch.length > 0 && bytes + entry.bytes > maxBytes) break;
      batch.push(index);
      bytes += entry.bytes;
      if (entry.lane !== undefined) lanes.add(entry.lane);
    }
    return batch;
  }

  /** Refusals among the first entries. */
  refusals(count: number): readonly Refusal[] {
    return this.entries.slice(0, count).flatMap(({ delivery }, index) => {
      const outcome = this.#outcomes[index];
      return outcome?.kind === "refused" ? [{ delivery, message: outcome.why }] : [];
    });
  }
}
