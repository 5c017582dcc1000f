import { createHash, randomBytes } from "node:crypto";

export type Item = Readonly<Record<string, unknown>>;

/** A record as GetRecords gives it. */
export interface TableRecord {
  readonly eventID: string;
  readonly eventName: "INSERT" | "MODIFY" | "REMOVE";
  readonly eventVersion: "1.1";
  readonly eventSource: "aws:dynamodb";
  readonly awsRegion: string;
  readonly dynamodb: {
    /** Epoch seconds, whole ones. */
    readonly ApproximateCreationDateTime: number;
    readonly Keys: Item;
    readonly NewImage?: Item;
    readonly OldImage?: Item;
    readonly SequenceNumber: string;
    readonly SizeBytes: number;
    readonly StreamViewType: string;
  };
  readonly userIdentity?: { readonly PrincipalId: string; readonly Type: string };
}

/** A shard of a table's stream: what a part of its keys wrote, until it was closed. */
export class TableShard {
  readonly id: string;
  readonly parent: string | undefined;
  /** The first sequence number that it may hold. */
  readonly start: bigint;
  /** The last one, once it is closed. */
  end: bigint | undefined;
  readonly records: TableRecord[] = [];
  /** Of 256 parts of the keys, which are its own: the first, and the one after the last. */
  readonly from: number;
  readonly to: number;

  constructor(parent: TableShard | undefined, start: bigint, from: number, to: number) {
    this.id = `shardId-${String(Date.now()).padStart(20, "0")}-${randomBytes(4).toString("hex")}`;
    this.parent = parent?.id;
    this.start = start;
    this.from = from;
    this.to = to;
  }

  takes(partitionKey: unknown): boolean {
    const part = createHash("md5").update(JSON.stringify(partitionKey)).digest()[0]!;
    return this.from <= part && part < this.to;
  }

  /** Closes it; others have its keys from now on. @param end the last sequence number that was given to any record */
  close(end: bigint, children: number): readonly TableShard[] {
    this.end = end < this.start ? this.start : end;
    const size = (this.to - this.from) / Math.min(children, this.to - this.from);
    const shards: TableShard[] = [];
    for (let at = this.from; Math.round(at) < this.to; at += size) {
      shards.push(new TableShard(this, this.end + 1n, Math.round(at), Math.round(at + size)));
    }
    return shards;
  }
}
