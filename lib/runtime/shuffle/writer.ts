import { infrastructureError } from "../../errors.ts";
import { FOR_ALL } from "../../operators/element.ts";
import { partitionKeyOfGroup } from "../../state/key-group.ts";
import type { Partition } from "../../state/partition.ts";
import { parseOutputId } from "../../state/task-id.ts";
import type { Delivery, Refusal, SinkWriter } from "../sink-writer.ts";
import type { InternalRecord, InternalStream } from "./internal-stream.ts";
import { isNews, newsPackText } from "./pack.ts";
import { Packs } from "./packs.ts";

/** Times that partitions may be split under the writer's hands before it leaves the rest to the next attempt. */
const MOST_ROUNDS = 5;

/**
 * Sends a commit's elements to the stage that has their keys, many to a record, and to every partition what is broadcast;
 * and then, once all of these were taken, what the producer says of itself to every partition (X5: whoever hears the news
 * of an epoch has all its elements).
 *
 * A delivery that fails in the middle is made again from the start: readers tell repeats by their index.
 */
export class ShuffleWriter implements SinkWriter {
  readonly #stream: InternalStream;

  constructor(stream: InternalStream) {
    this.#stream = stream;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const { elements, broadcast, news } = recordsOf(deliveries);
    if (elements.length > 0) await this.#stream.put(elements);
    if (broadcast.length > 0) await this.#tellAll(broadcast);
    if (news.length > 0) await this.#tellAll(news);
    return [];
  }

  /**
   * Puts texts into every partition, in any order. One that was split since it was listed did not get it where it should: the
   * partitions are listed again until all that are open have it. What is split later has it from before, and hands it on.
   */
  async #tellAll(texts: readonly string[]): Promise<void> {
    const told = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const open = await this.#stream.open(round > 0);
      const missing = open.filter(({ id }) => !told.has(id));
      if (missing.length === 0) return;
      const takers = await this.#stream.put(missing.flatMap((one) => texts.map((text) => recordFor(one, text))));
      const takersOf = missing.map((_, i) => takers.slice(i * texts.length, (i + 1) * texts.length));
      // One that was split between two of the texts has told neither child all.
      for (const [id, ...others] of takersOf) if (others.every((other) => other === id)) told.add(id!);
      if (missing.every(({ id }) => told.has(id))) return;
    }
    throw infrastructureError({
      code: "shuffle/resharding",
      message: `An internal stream was resharded ${MOST_ROUNDS} times while its partitions were told something.`,
    });
  }
}

/** A commit's outputs to a stage, as its stream has them. */
export interface ShuffleRecords {
  readonly elements: readonly InternalRecord[];
  /** Texts for every partition: elements that are broadcast. */
  readonly broadcast: readonly string[];
  /** Texts for every partition, once all of these were taken. */
  readonly news: readonly string[];
}

/** @param deliveries of one commit */
export function recordsOf(deliveries: readonly Delivery[]): ShuffleRecords {
  const [first] = deliveries;
  if (first === undefined) return { elements: [], broadcast: [], news: [] };
  const { task, epoch } = parseOutputId(first.id);
  const packs = new Packs(task, epoch);
  const news: Delivery[] = [];
  for (const delivery of deliveries) {
    if (delivery.cut === undefined && isNews(delivery.body)) news.push(delivery);
    else packs.add(delivery);
  }
  const packed = packs.end();
  return {
    elements: packed.flatMap(({ group, text }) =>
      group === FOR_ALL ? [] : [{ partitionKey: partitionKeyOfGroup(Number(group)), text }],
    ),
    broadcast: packed.flatMap(({ group, text }) => (group === FOR_ALL ? [text] : [])),
    news: news.map(({ body }) => newsPackText(task, epoch, body)),
  };
}

/** The record that brings a text to a partition. */
export const recordFor = ({ range }: Partition, text: string): InternalRecord => ({
  partitionKey: "news",
  hash: range.from,
  text,
});
