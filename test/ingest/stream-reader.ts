import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  type GetRecordsCommandOutput,
  type KinesisClient,
} from "@aws-sdk/client-kinesis";

/** A record that lies in a stream. */
export interface Lying {
  /** `shard:sequence number` */
  readonly id: string;
  readonly key: string;
  readonly text: string;
}

export class StreamReader {
  readonly #client: KinesisClient;
  readonly #stream: string;
  readonly #iterators = new Map<string, string>();

  constructor(client: KinesisClient, stream: string) {
    this.#client = client;
    this.#stream = stream;
  }

  /** What has come since the last time, shard by shard. */
  async read(): Promise<readonly Lying[]> {
    const { Shards = [] } = await this.#client.send(new ListShardsCommand({ StreamName: this.#stream }));
    const all: Lying[] = [];
    for (const { ShardId } of Shards) all.push(...(await this.#readShard(ShardId!)));
    return all;
  }

  async #readShard(ShardId: string): Promise<readonly Lying[]> {
    const begin = { StreamName: this.#stream, ShardId, ShardIteratorType: "TRIM_HORIZON" as const };
    let iterator: string =
      this.#iterators.get(ShardId) ?? (await this.#client.send(new GetShardIteratorCommand(begin))).ShardIterator!;
    const all: Lying[] = [];
    for (;;) {
      const { Records = [], NextShardIterator }: GetRecordsCommandOutput = await this.#client.send(
        new GetRecordsCommand({ ShardIterator: iterator }),
      );
      iterator = NextShardIterator!;
      for (const { SequenceNumber, PartitionKey, Data } of Records)
        all.push({ id: `${ShardId}:${SequenceNumber}`, key: PartitionKey!, text: Buffer.from(Data!).toString() });
      if (Records.length === 0) break;
    }
    this.#iterators.set(ShardId, iterator);
    return all;
  }
}
