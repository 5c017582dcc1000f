import { infrastructureError } from "../../errors.ts";
import { FOR_ALL } from "../../operators/shuffle.ts";
import { partitionKeyOfGroup } from "../../state/key-group.ts";
import type { Partition } from "../../state/partition.ts";
import { outputIndex, parseOutputId } from "../../state/task-id.ts";
import type { Delivery, Refusal, SinkWriter } from "../sink-writer.ts";
import type { InternalRecord, InternalStream } from "./internal-stream.ts";
import { elementsText, isNews, newsPackText } from "./pack.ts";

/** A record larger than this is billed as several, and a larger one is no cheaper: bytes. */
const PACK_BYTES = 25 * 1_024;

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
  const news = deliveries.filter(({ body }) => isNews(body));
  const packed = packs(
    task,
    epoch,
    deliveries.filter(({ body }) => !isNews(body)),
  );
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

/** Elements of one key group and entry, in their order, as many to a record as cost nothing more. */
function packs(
  task: string,
  epoch: number,
  elements: readonly Delivery[],
): readonly { readonly group: string; readonly text: string }[] {
  const open = new Map<string, { bytes: number; items: [number, string][] }>();
  const records: { readonly group: string; readonly text: string }[] = [];
  const close = (place: string) => {
    const { items } = open.get(place)!;
    open.delete(place);
    const [group, entry] = place.split(" ") as [string, string];
    records.push({ group, text: elementsText(task, epoch, entry, items) });
  };
  for (const { id, body } of elements) {
    const at = body.indexOf(" [") + 1;
    const place = body.slice(0, at - 1);
    const text = body.slice(at);
    // An estimate: what is not ASCII takes more, and then the record costs a little more.
    const bytes = text.length + 8;
    if ((open.get(place)?.bytes ?? 0) + bytes > PACK_BYTES && open.has(place)) close(place);
    const pack = open.get(place) ?? { bytes: 0, items: [] };
    open.set(place, pack);
    pack.bytes += bytes;
    pack.items.push([outputIndex(id), text]);
  }
  for (const place of [...open.keys()]) close(place);
  return records;
}
