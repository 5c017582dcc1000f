import {
  ListShardsCommand,
  PutRecordsCommand,
  type KinesisClient,
  type ListShardsCommandOutput,
  type PutRecordsCommandOutput,
} from "@aws-sdk/client-kinesis";
import { infrastructureError, messageOf } from "../../errors.ts";
import { Retries, type Wait } from "../../runtime/retries.ts";
import type { InternalRecord, InternalStream } from "../../runtime/shuffle/internal-stream.ts";
import { hashRange } from "../../state/hash-range.ts";
import type { Partition } from "../../state/partition.ts";

/** Limits of one PutRecords request (AWS: Kinesis API reference). */
const MAX_RECORDS = 500;
const MAX_BYTES = 5 * 1_024 * 1_024;

export interface KinesisInternalStreamSettings {
  readonly client: KinesisClient;
  /** The stream's name. */
  readonly stream: string;
  /** A shard takes 1,000 records and 1 MB a second: who comes after that is told to wait. */
  readonly wait: Wait;
}

/** A Kinesis stream between stages. */
export class KinesisInternalStream implements InternalStream {
  readonly #settings: KinesisInternalStreamSettings;
  #open: readonly Partition[] | undefined = undefined;

  constructor(settings: KinesisInternalStreamSettings) {
    this.#settings = settings;
  }

  /** @throws infrastructure error `shuffle/put` */
  async put(records: readonly InternalRecord[]): Promise<readonly string[]> {
    const takers: string[] = [];
    for (const batch of batches(records)) takers.push(...(await this.#putBatch(batch)));
    return takers;
  }

  /** @throws infrastructure error `shuffle/shards` */
  async open(fresh: boolean): Promise<readonly Partition[]> {
    if (fresh || this.#open === undefined) this.#open = await this.#list();
    return this.#open;
  }

  async #putBatch(records: readonly InternalRecord[]): Promise<readonly string[]> {
    const { client, stream, wait } = this.#settings;
    const takers = new Map<InternalRecord, string>();
    let reason = "";
    const retries = new Retries(wait);
    do {
      const rest = records.filter((record) => !takers.has(record));
      let answer: PutRecordsCommandOutput;
      try {
        answer = await client.send(new PutRecordsCommand({ StreamName: stream, Records: rest.map(entryOf) }));
      } catch (cause) {
        throw this.#failed("put", "took nothing", cause);
      }
      rest.forEach((record, i) => {
        const { ShardId, ErrorCode, ErrorMessage } = answer.Records?.[i] ?? {};
        if (ErrorCode === undefined && ShardId !== undefined) takers.set(record, ShardId);
        else reason = `${ErrorCode ?? "no answer"}: ${ErrorMessage ?? ""}`;
      });
      if (takers.size === records.length) return records.map((record) => takers.get(record)!);
    } while (await retries.again());
    const attempts = `${retries.attempt} attempt${retries.attempt === 1 ? "" : "s"}`;
    throw this.#failed("put", `took ${takers.size} of ${records.length} records in ${attempts} (${reason})`);
  }

  async #list(): Promise<readonly Partition[]> {
    const { client, stream } = this.#settings;
    const open: Partition[] = [];
    try {
      for (let next: string | undefined; ;) {
        const answer: ListShardsCommandOutput = await client.send(
          new ListShardsCommand(next === undefined ? { StreamName: stream } : { NextToken: next }),
        );
        for (const { ShardId, HashKeyRange, SequenceNumberRange } of answer.Shards ?? []) {
          const end = SequenceNumberRange?.EndingSequenceNumber;
          if (end !== undefined && end !== null) continue; // closed
          const range = hashRange(HashKeyRange!.StartingHashKey!, HashKeyRange!.EndingHashKey!);
          open.push({ id: ShardId!, parents: [], range });
        }
        next = answer.NextToken ?? undefined;
        if (next === undefined) return open;
      }
    } catch (cause) {
      throw this.#failed("shards", "could not be listed", cause);
    }
  }

  #failed(what: "put" | "shards", how: string, cause?: unknown) {
    return infrastructureError({
      code: `shuffle/${what}`,
      message: `Internal stream ${this.#settings.stream} ${how}${cause === undefined ? "" : `: ${messageOf(cause)}`}.`,
      cause,
    });
  }
}

const entryOf = ({ partitionKey, hash, text }: InternalRecord) => ({
  PartitionKey: partitionKey,
  ...(hash !== undefined && { ExplicitHashKey: BigInt(`0x${hash}`).toString() }),
  Data: Buffer.from(text),
});

function batches(records: readonly InternalRecord[]): InternalRecord[][] {
  const all: InternalRecord[][] = [];
  let bytes = Number.POSITIVE_INFINITY;
  for (const record of records) {
    const size = Buffer.byteLength(record.text) + record.partitionKey.length;
    if (bytes + size > MAX_BYTES || all.at(-1)!.length === MAX_RECORDS) {
      all.push([]);
      bytes = 0;
    }
    all.at(-1)!.push(record);
    bytes += size;
  }
  return all;
}
