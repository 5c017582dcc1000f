import { infrastructureError, messageOf } from "../../errors.ts";
import type { Output } from "../../state/commit.ts";
import { outputId, parseTaskName } from "../../state/task-id.ts";
import { DEAD_LETTERS, refusedOutput } from "../dead-letter.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriters } from "../sink-writer.ts";

/** What came of one record: all of it is delivered, or the record comes again. */
export interface Made<R> {
  readonly record: R;
  /** The name that its outputs' ids begin with. */
  readonly task: string;
  readonly outputs: readonly Output[];
}

interface Item<R> extends Delivery {
  readonly task: string;
  readonly record: R;
}

/** What was not delivered, and why. */
export interface Undelivered<R> {
  readonly records: ReadonlySet<R>;
  readonly cause: Error | undefined;
}

/**
 * Delivers what came of records, to all sinks at once, in the records' order.
 *
 * @returns the records of which something is not with its sink; it may be there in part, and comes again with the same ids
 */
export async function deliverMade<R>(writers: SinkWriters, made: readonly Made<R>[]): Promise<Undelivered<R>> {
  const bySink = new Map<string, Item<R>[]>();
  for (const { record, task, outputs } of made) {
    outputs.forEach(({ sink, body }, n) => {
      const item = { id: outputId(task, 0, n), body, task, record };
      const items = bySink.get(sink);
      if (items === undefined) bySink.set(sink, [item]);
      else items.push(item);
    });
  }
  const failed = await Promise.all(
    [...bySink].map(async ([sink, items]) => ({ sink, ...(await deliver(writers, sink, items)) })),
  );
  const records = new Set(failed.flatMap(({ left }) => left.map(({ record }) => record)));
  const reasons = failed.filter(({ left }) => left.length > 0);
  if (reasons.length === 0) return { records, cause: undefined };
  return {
    records,
    cause: infrastructureError({
      code: "delivery/failed",
      message: `What came of ${records.size} of ${made.length} records could not be delivered to ${reasons.map(({ sink, cause }) => `${sink} (${messageOf(cause)})`).join(", ")}.`,
      cause: reasons[0]!.cause,
    }),
  };
}

/**
 * Delivers an output that its sink had refused, under the id that it had: the sink may know it.
 *
 * @throws infrastructure error `delivery/failed`
 */
export async function deliverAgain(
  writers: SinkWriters,
  task: string,
  { sink, ...delivery }: Delivery & { readonly sink: string },
): Promise<void> {
  const { left, cause } = await deliver(writers, sink, [{ ...delivery, task, record: undefined }]);
  if (left.length === 0) return;
  throw infrastructureError({
    code: "delivery/failed",
    message: `Output ${delivery.id} could not be delivered to ${sink} (${messageOf(cause)}).`,
    cause,
  });
}

/** @returns what is left, and what stood in the way */
async function deliver<R>(
  writers: SinkWriters,
  sink: string,
  items: readonly Item<R>[],
): Promise<{ readonly left: readonly Item<R>[]; readonly cause: unknown }> {
  const writer = writers.get(sink)!; // sinks are those of the build that made the outputs
  try {
    await setAside(writers, sink, items, await writer.deliver(items));
    return { left: [], cause: undefined };
  } catch (cause) {
    if (!(cause instanceof InterruptedDelivery)) return { left: items, cause };
    try {
      await setAside(writers, sink, items, cause.refusals);
      return { left: items.slice(cause.count), cause: cause.cause };
    } catch {
      return { left: items, cause: cause.cause };
    }
  }
}

/** X7: what a sink refuses for good becomes a dead letter, under an id of its own. */
async function setAside<R>(
  writers: SinkWriters,
  sink: string,
  items: readonly Item<R>[],
  refusals: readonly Refusal[],
): Promise<void> {
  if (refusals.length === 0) return;
  const taskOf = new Map(items.map(({ id, task }) => [id, task]));
  const letters = refusals.map(({ delivery: { id, body }, message }) => {
    const task = taskOf.get(id)!;
    const { pipeline, stage, partition } = parseTaskName(task);
    return {
      id: `${id}!refused`,
      body: refusedOutput({ pipeline, stage, task, partition }, { sink, id, body }, message).body,
    };
  });
  await writers.get(DEAD_LETTERS)!.deliver(letters);
}
