import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  KinesisClient,
  ListShardsCommand,
  PutRecordsCommand,
} from "@aws-sdk/client-kinesis";
import { NodeHttpHandler } from "@smithy/node-http-handler";
import type { LocalStack } from "millrace/local";
import { deaggregate } from "../../lib/formats/kpl.ts";
import { copyOf, isCopy } from "../../lib/connectors/replication/copied-tags.ts";
import { producedAt } from "../../lib/connectors/replication/provenance.ts";
import type { RawRecord } from "../../lib/connectors/replication/raw-record.ts";

/** A record of a stream, however it was put. */
export interface Seen extends RawRecord {
  readonly shard: string;
  /** When the stream took it in. */
  readonly arrival: number;
}

/** The stream of one region, read from outside. */
export class Region {
  readonly name: string;
  readonly kinesis: KinesisClient;
  readonly #stream: string;
  readonly #label: string;

  /** @param label what the stream is called in names of records */
  constructor(name: string, stack: LocalStack, stream: string, label = stream) {
    this.name = name;
    this.#label = label;
    this.#stream = stream;
    this.kinesis = new KinesisClient({
      endpoint: stack.endpoints.kinesis,
      region: "us-east-1",
      credentials: { accessKeyId: "local", secretAccessKey: "local" },
      requestHandler: new NodeHttpHandler(),
    });
  }

  async put(records: readonly { readonly PartitionKey: string; readonly Data: Buffer }[]): Promise<void> {
    const { Records = [] } = await this.kinesis.send(
      new PutRecordsCommand({ StreamName: this.#stream, Records: [...records] }),
    );
    if (Records.some(({ ShardId }) => ShardId === undefined)) throw new Error("The stream did not take a record.");
  }

  /** All that is there, shard by shard, parents first. */
  async read(): Promise<readonly Seen[]> {
    const StreamName = this.#stream;
    const { Shards = [] } = await this.kinesis.send(new ListShardsCommand({ StreamName }));
    const all: Seen[] = [];
    for (const { ShardId } of Shards) {
      const first = new GetShardIteratorCommand({ StreamName, ShardId, ShardIteratorType: "TRIM_HORIZON" });
      let next = (await this.kinesis.send(first)).ShardIterator;
      let empty = 0;
      while (next !== undefined && next !== null && empty < 2) {
        const answer = await this.kinesis.send(new GetRecordsCommand({ ShardIterator: next }));
        next = answer.NextShardIterator;
        empty = answer.Records?.length ? 0 : empty + 1;
        for (const record of answer.Records ?? []) {
          const arrival = record.ApproximateArrivalTimestamp!.getTime();
          const sequence = record.SequenceNumber!;
          for (const one of this.#opened(ShardId!, sequence, record.PartitionKey!, Buffer.from(record.Data!), arrival))
            all.push({ ...one, shard: ShardId!, arrival });
        }
      }
    }
    return all;
  }

  #opened(shard: string, sequence: string, partitionKey: string, data: Buffer, arrival: number): RawRecord[] {
    const parts = deaggregate(data) ?? [{ partitionKey, data, tags: [] }];
    return parts.map((part, index) => {
      const place = { partition: shard, sequence, index };
      if (isCopy(part)) return copyOf(part, { cluster: this.name, place, arrival });
      const origin = producedAt(this.name, [this.#label, shard, sequence, ...(index > 0 ? [index] : [])]);
      return { key: Buffer.from(part.partitionKey), value: part.data, headers: [], timestamp: arrival, origin, place };
    });
  }
}
