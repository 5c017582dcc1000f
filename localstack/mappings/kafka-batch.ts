import { isRecord } from "../template/template-file.ts";
import type { TopicRecord } from "./kafka-reader.ts";

/** What Lambda calls a partition. */
const nameOf = (topic: string, partition: number): string => `${topic}-${partition}`;

/** Records by their partitions, each in its order. */
function byPartition(records: readonly TopicRecord[]): ReadonlyMap<number, readonly TopicRecord[]> {
  const partitions = new Map<number, TopicRecord[]>();
  for (const record of records) {
    const own = partitions.get(record.partition);
    if (own === undefined) partitions.set(record.partition, [record]);
    else own.push(record);
  }
  return partitions;
}

/** A batch in the shape of a Kafka event (`SelfManagedKafkaEvent` of @types/aws-lambda). */
export function kafkaEvent(
  topic: string,
  bootstrapServers: readonly string[],
  records: readonly TopicRecord[],
): Buffer {
  const lists = [...byPartition(records)].map(
    ([partition, own]) => `${JSON.stringify(nameOf(topic, partition))}:[${own.map(({ json }) => json).join(",")}]`,
  );
  const servers = JSON.stringify(bootstrapServers.join(","));
  return Buffer.from(`{"eventSource":"SelfManagedKafka","bootstrapServers":${servers},"records":{${lists.join(",")}}}`);
}

/**
 * What of a batch is to be sent again after an answer of a mapping with ReportBatchItemFailures: of each partition that is
 * reported, all from its lowest offset on. Everything, with the reason, where the answer names what is not in the batch.
 */
export function restOf(
  topic: string,
  records: readonly TopicRecord[],
  answer: unknown,
): { readonly rest: readonly TopicRecord[]; readonly reason?: string } {
  const list = isRecord(answer) ? answer["batchItemFailures"] : undefined;
  if (answer === null || answer === undefined || (isRecord(answer) && (list === null || list === undefined))) {
    return { rest: [] };
  }
  if (!Array.isArray(list)) return { rest: records, reason: "the answer is no list of failures" };
  const from = new Map<number, bigint>();
  for (const item of list) {
    const identifier: unknown = isRecord(item) ? item["itemIdentifier"] : undefined;
    const { partition, offset } = isRecord(identifier) ? identifier : {};
    const failed = records.find(
      (record) => nameOf(topic, record.partition) === partition && Number(record.offset) === offset,
    );
    if (failed === undefined) return { rest: records, reason: `${JSON.stringify(identifier)} is not in the batch` };
    const known = from.get(failed.partition);
    if (known === undefined || failed.offset < known) from.set(failed.partition, failed.offset);
  }
  const rest = records.filter(({ partition, offset }) => offset >= (from.get(partition) ?? offset + 1n));
  return rest.length === 0 ? { rest } : { rest, reason: `${from.size} partitions reported as failed` };
}
