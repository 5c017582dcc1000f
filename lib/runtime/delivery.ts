import { infrastructureError, messageOf } from "../errors.ts";
import type { Changelog, TaskItem } from "../state/changelog.ts";
import type { Output } from "../state/commit.ts";
import type { CutText } from "../state/cut-text.ts";
import { outputIds } from "../state/task-id.ts";
import type { Debts } from "./debts.ts";
import { DEAD_LETTERS, refusedOutput, type DeadLetterOrigin } from "./dead-letter.ts";
import { InterruptedDelivery, type Delivery as Item, type Refusal, type SinkWriters } from "./sink-writer.ts";

/** All of a commit's outputs to a sink, however many there are. */
const ALL = Number.MAX_SAFE_INTEGER;

/** Whether a commit's outputs are known to be delivered to every sink. */
export const isDelivered = (item: TaskItem, epoch: number): boolean => item.delivered >= epoch;

/** How many of a commit's outputs to a sink are known to be delivered, from the first on. */
function deliveredCount(item: TaskItem, epoch: number, sink: string): number {
  const progress = item.deliveredTo[sink];
  if (item.delivered >= epoch || (progress !== undefined && progress.epoch > epoch)) return ALL;
  return progress?.epoch === epoch ? progress.count : 0;
}

/** Delivers a commit's outputs, and marks in the task item what was delivered (X4, X5). */
export class Delivery {
  readonly #changelog: Changelog;
  readonly #writers: SinkWriters;
  readonly #debts: Debts;

  constructor(changelog: Changelog, writers: SinkWriters, debts: Debts) {
    this.#changelog = changelog;
    this.#writers = writers;
    this.#debts = debts;
  }

  /**
   * @param item tells which outputs are delivered already
   * @throws infrastructure error `delivery/failed` naming the sinks that failed; what was delivered is marked
   */
  async run(origin: DeadLetterOrigin, epoch: number, outputs: readonly Output[], item: TaskItem): Promise<void> {
    const idOf = outputIds(origin.task, epoch);
    const bySink = new Map<string, Item[]>();
    outputs.forEach((output, n) => {
      const next = new Outgoing(output, n, idOf);
      const items = bySink.get(output.sink);
      if (items === undefined) bySink.set(output.sink, [next]);
      else items.push(next);
    });
    const results = await Promise.all(
      [...bySink].map(async ([sink, items]): Promise<Progress> => {
        const from = deliveredCount(item, epoch, sink);
        return from >= items.length ? { sink, count: ALL } : this.#deliver(origin, sink, items, from);
      }),
    );
    const failed = results.filter(({ failure }) => failure !== undefined);
    if (failed.length === 0) {
      this.#debts.settle(origin.task);
      return;
    }
    this.#debts.owe(origin.task, { epoch, sinks: failed.map(({ sink }) => sink) });
    for (const { sink, count } of results) {
      if (count > deliveredCount(item, epoch, sink))
        await this.#changelog.raiseProgress(origin.task, sink, { epoch, count });
    }
    throw infrastructureError({
      code: "delivery/failed",
      message: `Task ${origin.task}: commit ${epoch} could not be delivered to ${failed.map(({ sink, failure }) => `${sink} (${messageOf(failure!.cause)})`).join(", ")}.`,
      cause: failed[0]!.failure!.cause,
    });
  }

  /** Notes that a commit's outputs are with all their sinks. */
  mark(task: string, epoch: number): Promise<void> {
    return this.#changelog.raiseDelivered(task, epoch);
  }

  /** @returns how many of the items are delivered now, and what stood in the way of the others */
  async #deliver(origin: DeadLetterOrigin, sink: string, items: readonly Item[], from: number): Promise<Progress> {
    try {
      const refusals = await this.#writer(sink).deliver(items.slice(from));
      await this.#setAside(origin, sink, refusals);
      return { sink, count: ALL };
    } catch (cause) {
      if (!(cause instanceof InterruptedDelivery)) return { sink, count: from, failure: { cause } };
      try {
        await this.#setAside(origin, sink, cause.refusals);
        return { sink, count: from + cause.count, failure: { cause } };
      } catch {
        return { sink, count: from, failure: { cause } };
      }
    }
  }

  /** X7: what a sink refuses for good becomes a dead letter, under an id of its own. */
  async #setAside(origin: DeadLetterOrigin, sink: string, refusals: readonly Refusal[]): Promise<void> {
    if (refusals.length === 0) return;
    const letters = refusals.map(({ delivery, message }) => ({
      id: `${delivery.id}!refused`,
      body: refusedOutput(origin, { sink, id: delivery.id, body: delivery.body }, message).body,
    }));
    await this.#writer(DEAD_LETTERS).deliver(letters);
  }

  #writer(sink: string) {
    const writer = this.#writers.get(sink);
    if (writer !== undefined) return writer;
    throw infrastructureError({
      code: "delivery/no-sink",
      message: `No sink "${sink}" is bound, and a commit has outputs for it.`,
      advice: "Deploy the build that has the sink until they are delivered.",
    });
  }
}

/** An output on its way. Its id and its text are made for who asks for them: packs of a shuffle are made of neither. */
class Outgoing implements Item {
  readonly index: number;
  readonly #output: Output;
  readonly #idOf: (index: number) => string;

  constructor(output: Output, index: number, idOf: (index: number) => string) {
    this.#output = output;
    this.index = index;
    this.#idOf = idOf;
  }

  get id(): string {
    return this.#idOf(this.index);
  }

  get body(): string {
    return this.#output.body;
  }

  get cut(): CutText | undefined {
    return this.#output.cut;
  }
}

interface Progress {
  readonly sink: string;
  readonly count: number;
  readonly failure?: { readonly cause: unknown };
}
