import { aggregate, type AggregatedRecord } from "../../formats/kpl.ts";
import { aggregatedCopy, partitionKeyFor } from "../replication/copied-tags.ts";
import type { Copied } from "../replication/copy-body.ts";

/** Beyond this no more records are put into one: it is a quarter of what Kinesis takes. */
const PACK_BYTES = 256 * 1_024;
const PACK_RECORDS = 500;

/** What a record or a tag takes beside its texts and bytes, at most. */
const FRAMING = 16;

/** Copies that go as one record. */
export interface CopyPack {
  readonly partitionKey: string;
  /** Indexes of its copies, in their order. */
  readonly members: readonly number[];
  readonly data: Buffer;
  /** Whether its order matters: records without a key have none. */
  readonly isOrdered: boolean;
}

type Member = Omit<AggregatedRecord, "hasExplicitHashKey">;

interface OpenPack {
  readonly members: number[];
  readonly records: Member[];
  readonly isOrdered: boolean;
  bytes: number;
}

/**
 * Copies as records, those of a key together: they are on one shard whatever its stream's shards are, and Kinesis, which takes
 * one record of a key a request if their order is to be kept, is not asked once for each.
 */
export function packsOf(copies: readonly Copied[], oneWay: boolean): readonly CopyPack[] {
  if (oneWay) {
    return copies.map((copied, index) => ({
      partitionKey: partitionKeyFor(copied),
      members: [index],
      data: copied.value ?? Buffer.alloc(0),
      isOrdered: copied.key !== null,
    }));
  }
  const packs: OpenPack[] = [];
  /** The last pack of each key: whatever comes of the key goes there, or into one behind it. */
  const last = new Map<string, OpenPack>();
  copies.forEach((copied, index) => {
    const record = aggregatedCopy(copied);
    const bytes = bytesOf(record);
    let pack = last.get(record.partitionKey);
    if (pack === undefined || pack.bytes + bytes > PACK_BYTES || pack.members.length === PACK_RECORDS) {
      pack = { members: [], records: [], isOrdered: copied.key !== null, bytes: 0 };
      packs.push(pack);
      last.set(record.partitionKey, pack);
    }
    pack.members.push(index);
    pack.records.push(record);
    pack.bytes += bytes;
  });
  return packs.map(({ members, records, isOrdered }) => ({
    partitionKey: records[0]!.partitionKey,
    members,
    isOrdered,
    data: aggregate(records),
  }));
}

const bytesOf = ({ data, tags }: Member): number =>
  tags.reduce(
    (sum, [key, value = ""]) => sum + FRAMING + Buffer.byteLength(key) + Buffer.byteLength(value),
    FRAMING + data.length,
  );
