import type { JsonClient } from "../gateway/json-client.ts";
import { LocalStackError } from "../errors.ts";
import type { WireRecord } from "./stream-record.ts";

/** What one read of a shard gave. */
export interface ShardRead {
  readonly records: readonly WireRecord[];
  /** The shard is closed and read to its end. */
  readonly ended: boolean;
}

export interface ShardReader {
  read(signal: AbortSignal): Promise<ShardRead>;
}

/** AWS gives at most 10 MB a read; the emulator knows no such limit, so the number of records is fitted to it. */
const readBytes = 4 * 1024 * 1024;
const mostRecords = 10_000;

/** Reads a shard from its first record on, straight from the emulator. */
export class KinesisShardReader implements ShardReader {
  private readonly client: JsonClient;
  private readonly stream: string;
  private readonly shardId: string;
  private iterator: string | undefined;
  private last: string | undefined;
  private meanBytes = 4_096;

  constructor(client: JsonClient, stream: string, shardId: string) {
    this.client = client;
    this.stream = stream;
    this.shardId = shardId;
  }

  async read(signal: AbortSignal): Promise<ShardRead> {
    const ShardIterator = this.iterator ?? (await this.newIterator(signal));
    const Limit = Math.max(1, Math.min(mostRecords, Math.floor(readBytes / this.meanBytes)));
    let output: { readonly Records: readonly WireRecord[]; readonly NextShardIterator?: string };
    try {
      output = (await this.client.call("GetRecords", { ShardIterator, Limit }, signal)) as typeof output;
    } catch (error) {
      if (error instanceof LocalStackError && error.code === "ExpiredIteratorException") {
        this.iterator = undefined;
        return { records: [], ended: false };
      }
      throw error;
    }
    this.iterator = output.NextShardIterator;
    const { Records } = output;
    const lastRead = Records.at(-1);
    if (lastRead !== undefined) {
      this.last = lastRead.SequenceNumber;
      const characters = Records.reduce((sum, record) => sum + record.Data.length + 300, 0);
      this.meanBytes = characters / Records.length;
    }
    return { records: Records, ended: output.NextShardIterator === undefined };
  }

  private async newIterator(signal: AbortSignal): Promise<string> {
    const position =
      this.last === undefined
        ? { ShardIteratorType: "TRIM_HORIZON" }
        : { ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: this.last };
    const input = { StreamName: this.stream, ShardId: this.shardId, ...position };
    const output = (await this.client.call("GetShardIterator", input, signal)) as { readonly ShardIterator: string };
    return output.ShardIterator;
  }
}
