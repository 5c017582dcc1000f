import { Consumer } from "@platformatic/kafka";
import { account } from "../template/account.ts";

/** A record of a partition, with its place in the event already written. */
export interface TopicRecord {
  readonly partition: number;
  readonly offset: bigint;
  /** The record's element of its partition's list in the event. */
  readonly json: string;
  readonly bytes: number;
}

/** Attribute of a batch that holds a transaction's marker, and no record. */
const CONTROL = 0b10_0000;
const APPEND_TIME = 0b1000;
const FETCH_BYTES = 4 * 1_024 * 1_024;
const READ_UNCOMMITTED = 0;

/** Reads a topic's partitions from a broker without authentication, and joins no group. */
export class TopicReader {
  readonly topic: string;
  private readonly consumer: Consumer;

  constructor(bootstrapServers: readonly string[], topic: string) {
    this.topic = topic;
    this.consumer = new Consumer({
      clientId: account.id,
      groupId: account.id,
      bootstrapBrokers: [...bootstrapServers],
      autocreateTopics: false,
      retries: 3,
    });
    this.consumer.on("client:broker:failed", () => undefined);
  }

  async partitions(): Promise<number> {
    return (await this.metadata(true)).partitionsCount;
  }

  /** The offset after the last record, marker or not. */
  async end(partition: number): Promise<bigint> {
    return this.bound(partition, -1n);
  }

  async begin(partition: number): Promise<bigint> {
    return this.bound(partition, -2n);
  }

  /** What lies from an offset on, and where the next read begins. */
  async read(
    partition: number,
    offset: bigint,
  ): Promise<{ readonly records: readonly TopicRecord[]; readonly next: bigint }> {
    const { id, partitions } = await this.metadata(false);
    const answer = await this.consumer.fetch({
      node: partitions[partition]?.leader ?? 1,
      topics: [
        {
          topicId: id,
          partitions: [
            {
              partition,
              currentLeaderEpoch: -1,
              fetchOffset: offset,
              lastFetchedEpoch: -1,
              partitionMaxBytes: FETCH_BYTES,
            },
          ],
        },
      ],
      minBytes: 0,
      maxWaitTime: 1,
      isolationLevel: READ_UNCOMMITTED,
    });
    const records: TopicRecord[] = [];
    let next = offset;
    for (const batch of answer.responses[0]?.partitions[0]?.records ?? []) {
      const end = batch.firstOffset + BigInt(batch.lastOffsetDelta) + 1n;
      if (end > next) next = end;
      if ((batch.attributes & CONTROL) !== 0) continue;
      for (const record of batch.records) {
        const at = batch.firstOffset + BigInt(record.offsetDelta);
        if (at < offset) continue;
        const isAppendTime = (batch.attributes & APPEND_TIME) !== 0;
        records.push(
          this.written(partition, at, {
            timestamp: isAppendTime ? batch.maxTimestamp : batch.firstTimestamp + BigInt(record.timestampDelta),
            timestampType: isAppendTime ? "LOG_APPEND_TIME" : "CREATE_TIME",
            ...record,
          }),
        );
      }
    }
    return { records, next };
  }

  close(): Promise<void> {
    return this.consumer.close();
  }

  /** In the shape of a Kafka event (`MSKRecord` of @types/aws-lambda). */
  private written(partition: number, offset: bigint, record: WireRecord): TopicRecord {
    const json = JSON.stringify({
      topic: this.topic,
      partition,
      offset: Number(offset),
      timestamp: Number(record.timestamp),
      timestampType: record.timestampType,
      ...(record.key && { key: record.key.toString("base64") }),
      ...(record.value && { value: record.value.toString("base64") }),
      headers: record.headers.map(([name, value]) => ({ [name?.toString() ?? ""]: [...(value ?? [])] })),
    });
    return { partition, offset, json, bytes: Buffer.byteLength(json) };
  }

  private async bound(partition: number, timestamp: bigint): Promise<bigint> {
    const partitions = { [this.topic]: [partition] };
    const found = await this.consumer.listOffsets({ topics: [this.topic], partitions, timestamp, isolationLevel: 0 });
    return found.get(this.topic)?.[partition] ?? 0n;
  }

  private async metadata(forceUpdate: boolean) {
    const metadata = await this.consumer.metadata({ topics: [this.topic], forceUpdate });
    const topic = metadata.topics.get(this.topic);
    if (topic === undefined) throw new Error(`there is no topic ${this.topic}`);
    return topic;
  }
}

interface WireRecord {
  readonly timestamp: bigint;
  readonly timestampType: "CREATE_TIME" | "LOG_APPEND_TIME";
  readonly key: Buffer | null;
  readonly value: Buffer | null;
  readonly headers: readonly (readonly [Buffer | null, Buffer | null])[];
}
