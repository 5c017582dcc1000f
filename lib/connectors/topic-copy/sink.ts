import { systemicError } from "../../errors.ts";
import { InterruptedDelivery, type Delivery, type Refusal } from "../../runtime/sink-writer.ts";
import { positiveHash } from "../kafka/murmur2.ts";
import { TopicWriter, type TopicMessage } from "../kafka-topic/sink.ts";
import { decodeCopy, type Copied } from "../replication/copy-body.ts";
import type { PositionLog } from "../replication/position-log.ts";
import { CLUSTERS, clustersText, ORIGIN } from "../replication/provenance.ts";
import { fieldOf } from "../services.ts";
import type { MakeWriter } from "../sink-connectors.ts";
import { positionLogOf } from "../stream-copy/sink.ts";
import type { TopicCopyDeclaration } from "./declare.ts";

/**
 * Delivers copies to a Kafka topic. Its address has `topic`, what a connection wants, and `positions`, the table's name;
 * `positionsRegion` and `dynamodbEndpoint` where these are not the function's.
 */
export const topicCopyWriter: MakeWriter = (sink, address, services) => {
  const declared = sink as TopicCopyDeclaration;
  const topic = fieldOf(address, "topic", `The copy "${sink.name}"`);
  const writer = new TopicWriter(address, services, topic, {
    async messagesOf(deliveries, partitions) {
      const count = await partitions();
      return deliveries.map(({ body }) => messageOf(topic, decodeCopy(body), declared, count));
    },
  });
  const log = positionLogOf(sink.name, address, services, async () => {
    const ends = await writer.ends();
    return new Map([...ends].map(([partition, end]) => [String(partition), String(end - 1n)]));
  });
  return { deliver: (deliveries) => deliver(deliveries, writer, log, services.now) };
};

/** @throws an {@link InterruptedDelivery} saying how many were taken or refused */
async function deliver(
  deliveries: readonly Delivery[],
  writer: TopicWriter,
  log: PositionLog,
  now: () => number,
): Promise<readonly Refusal[]> {
  if (deliveries.length === 0) return [];
  const noting = await log.begin(deliveries.map((delivery) => ({ delivery, copied: decodeCopy(delivery.body) })));
  const refusals = await writer.deliver(deliveries, (messages, { offsets = [] }) => {
    const at = now();
    for (const { partition, offset } of offsets) {
      const own = messages.filter((message) => message.partition === partition).length;
      // A request that was sent before, and taken then, is answered without an offset.
      if (offset >= 0n && own > 0) noting.reached(String(partition), String(offset + BigInt(own) - 1n), at);
    }
  });
  try {
    await noting.end();
    return refusals;
  } catch (cause) {
    // The next attempt must come here again: without its line the commit is not delivered.
    const last = deliveries.at(-1);
    const others = refusals.filter(({ delivery }) => delivery !== last);
    throw new InterruptedDelivery(deliveries.length - 1, cause, others);
  }
}

let turn = 0;

function messageOf(topic: string, copied: Copied, declared: TopicCopyDeclaration, partitions: number): TopicMessage {
  const { key, value, headers, timestamp, origin } = copied;
  return {
    topic,
    headers: headersOf([...headers, [ORIGIN, Buffer.from(origin.id)], [CLUSTERS, Buffer.from(clustersText(origin))]]),
    timestamp: BigInt(timestamp),
    partition: partitionFor(copied, declared, partitions),
    ...(key !== null && { key }),
    ...(value !== null && { value }),
  };
}

/** Names are objects of their own, so that one may come more than once. */
const headersOf = (headers: Copied["headers"]): Map<Buffer, Buffer> =>
  new Map(headers.map(([name, value]) => [Buffer.from(name), value as Buffer]));

function partitionFor(
  { key, place: { number } }: Copied,
  { name, partitionBy }: TopicCopyDeclaration,
  partitions: number,
): number {
  if (partitionBy === "key" || number === undefined) {
    return (key === null ? turn++ : positiveHash(key)) % partitions;
  }
  if (number < partitions) return number;
  throw systemicError({
    code: "replication/partitions",
    message: `topicCopy("${name}"): a record of partition ${number} has no such partition to go to: the topic has ${partitions}.`,
    advice: 'Add partitions to the topic, or copy by `partitionBy: "key"`.',
  });
}
