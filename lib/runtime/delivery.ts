import { infrastructureError, messageOf } from "../errors.ts";
import type { Changelog, TaskItem } from "../state/changelog.ts";
import type { Output } from "../state/commit.ts";
import { outputId } from "../state/task-id.ts";
import { DEAD_LETTERS, refusedOutput, type DeadLetterOrigin } from "./dead-letter.ts";
import type { Delivery as Item, SinkWriters } from "./sink-writer.ts";

/** Whether a commit's outputs are known to be delivered, to every sink or to one. */
export const isDelivered = (item: TaskItem, epoch: number, sink?: string): boolean =>
  item.delivered >= epoch || (sink !== undefined && (item.deliveredTo[sink] ?? 0) >= epoch);

/** Delivers a commit's outputs, and marks in the task item what was delivered (X4, X5). */
export class Delivery {
  readonly #changelog: Changelog;
  readonly #writers: SinkWriters;

  constructor(changelog: Changelog, writers: SinkWriters) {
    this.#changelog = changelog;
    this.#writers = writers;
  }

  /**
   * @param item tells which sinks have theirs already
   * @throws infrastructure error `delivery/failed` naming the sinks that failed; the others are marked
   */
  async run(origin: DeadLetterOrigin, epoch: number, outputs: readonly Output[], item: TaskItem): Promise<void> {
    const bySink = new Map<string, Item[]>();
    outputs.forEach(({ sink, body }, n) => {
      if (isDelivered(item, epoch, sink)) return;
      const items = bySink.get(sink);
      const next = { id: outputId(origin.task, epoch, n), body };
      if (items === undefined) bySink.set(sink, [next]);
      else items.push(next);
    });
    const sinks = [...bySink.keys()];
    const results = await Promise.allSettled(sinks.map((sink) => this.#deliver(origin, sink, bySink.get(sink)!)));
    const failed = results.flatMap((result, i) =>
      result.status === "rejected" ? [[sinks[i]!, result.reason] as const] : [],
    );
    if (failed.length === 0) return;
    const done = sinks.filter((sink) => !failed.some(([name]) => name === sink));
    if (done.length > 0) await this.#changelog.raiseDelivered(origin.task, epoch, done);
    throw infrastructureError({
      code: "delivery/failed",
      message: `Task ${origin.task}: commit ${epoch} could not be delivered to ${failed.map(([sink, reason]) => `${sink} (${messageOf(reason)})`).join(", ")}.`,
      cause: failed[0]![1],
    });
  }

  /** Notes that a commit's outputs are with all their sinks. */
  mark(task: string, epoch: number): Promise<void> {
    return this.#changelog.raiseDelivered(task, epoch);
  }

  async #deliver(origin: DeadLetterOrigin, sink: string, items: readonly Item[]): Promise<void> {
    const refused = await this.#writer(sink).deliver(items);
    if (refused.length === 0) return;
    // X7: what a sink refuses for good becomes a dead letter, under an id of its own.
    const letters = refused.map(({ delivery, message }) => ({
      id: `${delivery.id}!refused`,
      body: refusedOutput(origin, { sink, ...delivery }, message).body,
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
