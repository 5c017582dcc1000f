import { infrastructureError } from "../../errors.ts";
import { partitionKeyOfGroup } from "../../state/key-group.ts";
import type { Partition } from "../../state/partition.ts";
import { parseOutputId } from "../../state/task-id.ts";
import type { Delivery, Refusal, SinkWriter } from "../sink-writer.ts";
import type { InternalRecord, InternalStream } from "./internal-stream.ts";
import { elementsText, isNews, newsPackText } from "./pack.ts";

/** A record larger than this is billed as several, and a larger one is no cheaper: bytes. */
const PACK_BYTES = 25 * 1_024;

/** Times that partitions may be split under the writer's hands before it leaves the rest to the next attempt. */
const MOST_ROUNDS = 5;

/**
 * Sends a commit's elements to the stage that has their keys, many to a record, and then, once all of these were taken,
 * what the producer says of itself to every partition (X5: whoever hears the news of an epoch has all its elements).
 *
 * A delivery that fails in the middle is made again from the start: readers tell repeats by their index.
 */
export class ShuffleWriter implements SinkWriter {
  readonly #stream: InternalStream;

  constructor(stream: InternalStream) {
    this.#stream = stream;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const { elements, news } = recordsOf(deliveries);
    if (elements.length > 0) await this.#stream.put(elements);
    for (const text of news) await this.#tellAll(text);
    return [];
  }

  /**
   * Puts a text into every partition. One that was split since it was listed did not get it where it should: the
   * partitions are listed again until all that are open have it. What is split later has it from before, and hands it on.
   */
  async #tellAll(text: string): Promise<void> {
    const told = new Set<string>();
    for (let round = 0; round < MOST_ROUNDS; round++) {
      const open = await this.#stream.open(round > 0);
      const missing = open.filter(({ id }) => !told.has(id));
      const takers = missing.length === 0 ? [] : await this.#stream.put(missing.map((one) => recordFor(one, text)));
      for (const id of takers) told.add(id);
      if (takers.every((id, i) => id === missing[i]!.id)) return;
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
  /** Texts for every partition, once all elements were taken. */
  readonly news: readonly string[];
}

/** @param deliveries of one commit */
export function recordsOf(deliveries: readonly Delivery[]): ShuffleRecords {
  const [first] = deliveries;
  if (first === undefined) return { elements: [], news: [] };
  const { task, epoch } = parseOutputId(first.id);
  const news = deliveries.filter(({ body }) => isNews(body));
  const elements = deliveries.filter(({ body }) => !isNews(body));
  return { elements: packs(task, epoch, elements), news: news.map(({ body }) => newsPackText(task, epoch, body)) };
}

/** The record that brings a text to a partition. */
export const recordFor = ({ range }: Partition, text: string): InternalRecord => ({
  partitionKey: "news",
  hash: range.from,
  text,
});

/** Elements of one key group and entry, in their order, as many to a record as cost nothing more. */
function packs(task: string, epoch: number, elements: readonly Delivery[]): readonly InternalRecord[] {
  const open = new Map<string, { bytes: number; items: [number, string][] }>();
  const records: InternalRecord[] = [];
  const close = (place: string) => {
    const { items } = open.get(place)!;
    open.delete(place);
    const [group, entry] = place.split(" ") as [string, string];
    const text = elementsText(task, epoch, entry, items);
    records.push({ partitionKey: partitionKeyOfGroup(Number(group)), text });
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
    pack.items.push([parseOutputId(id).index, text]);
  }
  for (const place of [...open.keys()]) close(place);
  return records;
}
