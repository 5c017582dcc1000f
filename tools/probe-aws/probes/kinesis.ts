import { createHash } from "node:crypto";
import {
  GetRecordsCommand,
  GetShardIteratorCommand,
  ListShardsCommand,
  PutRecordsCommand,
  SplitShardCommand,
  type Shard,
  type _Record,
} from "@aws-sdk/client-kinesis";
import { limit, type Finding, type Probe, type ProbeContext } from "../probe.ts";

const MOST_RECORDS = 500;
const ROUNDS = 10;
/** Reads that a closed shard may take to say so. */
const LOOKS_AT_END = 10;

interface Put {
  readonly partitionKey: string;
  readonly data: string;
}

async function put({ clients, place }: ProbeContext, records: readonly Put[]) {
  const { Records = [] } = await clients.kinesis.send(
    new PutRecordsCommand({
      StreamName: place.stream,
      Records: records.map(({ partitionKey, data }) => ({ PartitionKey: partitionKey, Data: Buffer.from(data) })),
    }),
  );
  return Records;
}

async function shards({ clients, place }: ProbeContext): Promise<readonly Shard[]> {
  const { Shards = [] } = await clients.kinesis.send(new ListShardsCommand({ StreamName: place.stream }));
  return Shards;
}

interface ShardContent {
  readonly records: readonly _Record[];
  /** What GetRecords said last. */
  readonly millisBehind: number | undefined;
  readonly isClosed: boolean;
}

/**
 * All of a shard after a record, or from its beginning.
 *
 * @param leastReads more reads than until it is said to be at its tip
 */
async function read(
  { clients, place, sleep }: ProbeContext,
  shard: string,
  after?: string,
  leastReads = 1,
): Promise<ShardContent> {
  const { ShardIterator } = await clients.kinesis.send(
    new GetShardIteratorCommand({
      StreamName: place.stream,
      ShardId: shard,
      ShardIteratorType: after === undefined ? "TRIM_HORIZON" : "AFTER_SEQUENCE_NUMBER",
      StartingSequenceNumber: after,
    }),
  );
  const records: _Record[] = [];
  let millisBehind: number | undefined;
  for (let iterator = ShardIterator, reads = 0; iterator && reads < 100; reads++) {
    const answer = await clients.kinesis.send(new GetRecordsCommand({ ShardIterator: iterator }));
    records.push(...(answer.Records ?? []));
    millisBehind = answer.MillisBehindLatest;
    iterator = answer.NextShardIterator;
    if (!iterator) return { records, millisBehind, isClosed: true };
    if (millisBehind === 0 && reads + 1 >= leastReads) break;
    await sleep(250);
  }
  return { records, millisBehind, isClosed: false };
}

const isBelow = (a: string, b: string): boolean => BigInt(a) < BigInt(b);

/** What sources and shuffles rest on. The last one splits a shard, so that it comes last. */
export const kinesisProbes: readonly Probe[] = [
  {
    service: "Kinesis",
    assumption: "sequence numbers are decimals without leading zeros",
    async run(context) {
      const [record] = await put(context, [{ partitionKey: "a", data: "x" }]);
      const sequence = record?.SequenceNumber ?? "none";
      return { holds: /^[1-9]\d{0,127}$/.test(sequence), seen: sequence };
    },
  },
  {
    service: "Kinesis",
    assumption: "what is put after an acknowledgement has a higher sequence number in its shard",
    async run(context) {
      const last = new Map<string, string>();
      for (let round = 0; round < ROUNDS; round++) {
        const records = Array.from({ length: 50 }, (_, i) => ({ partitionKey: `k${i}`, data: `${round}` }));
        const highest = new Map(last);
        for (const { ShardId = "", SequenceNumber = "0" } of await put(context, records)) {
          if (!isBelow(last.get(ShardId) ?? "-1", SequenceNumber))
            return { holds: false, seen: `${SequenceNumber} came after ${last.get(ShardId) ?? ""}` };
          if (isBelow(highest.get(ShardId) ?? "-1", SequenceNumber)) highest.set(ShardId, SequenceNumber);
        }
        for (const [shard, sequence] of highest) last.set(shard, sequence);
      }
      return { holds: last.size === 2, seen: `${ROUNDS} requests of 50 records to ${last.size} shards` };
    },
  },
  {
    service: "Kinesis",
    assumption: "a shard's records are read in the order of their sequence numbers, each once",
    async run(context) {
      let count = 0;
      for (const { ShardId = "" } of await shards(context)) {
        const { records } = await read(context, ShardId);
        const numbers = records.map(({ SequenceNumber = "0" }) => SequenceNumber);
        const wrong = numbers.findIndex((number, i) => i > 0 && !isBelow(numbers[i - 1]!, number));
        if (wrong > 0) return { holds: false, seen: `${numbers[wrong]!} is read after ${numbers[wrong - 1]!}` };
        count += numbers.length;
      }
      return { holds: count > 0, seen: `${count} records` };
    },
  },
  {
    service: "Kinesis",
    assumption: "a partition key's shard is the one whose range holds its MD5",
    async run(context) {
      const keys = Array.from({ length: 100 }, (_, i) => `${context.run}-${i}`);
      const results = await put(
        context,
        keys.map((partitionKey) => ({ partitionKey, data: "x" })),
      );
      const all = await shards(context);
      const wrong = keys.filter((key, i) => {
        const hash = BigInt(`0x${createHash("md5").update(key).digest("hex")}`);
        const range = all.find(({ ShardId }) => ShardId === results[i]?.ShardId)?.HashKeyRange;
        return !range || hash < BigInt(range.StartingHashKey!) || hash > BigInt(range.EndingHashKey!);
      });
      return { holds: wrong.length === 0, seen: `${keys.length - wrong.length} of ${keys.length} keys` };
    },
  },
  {
    service: "Kinesis",
    assumption: "GetRecords past the last record says so: MillisBehindLatest is 0",
    async run(context) {
      const [record] = await put(context, [{ partitionKey: "tip", data: "x" }]);
      const { ShardId = "", SequenceNumber } = record ?? {};
      await context.sleep(1_000);
      const { records, millisBehind } = await read(context, ShardId, SequenceNumber);
      return {
        holds: records.length === 0 && millisBehind === 0,
        seen: `${records.length} records, MillisBehindLatest ${String(millisBehind)}`,
      };
    },
  },
  {
    service: "Kinesis",
    assumption: "an acknowledged record is found before anything says that the shard is at its tip",
    async run(context) {
      for (let round = 0; round < ROUNDS; round++) {
        const [first] = await put(context, [{ partitionKey: "tip", data: "first" }]);
        const [second] = await put(context, [{ partitionKey: "tip", data: "second" }]);
        const { records } = await read(context, first?.ShardId ?? "", first?.SequenceNumber);
        if (!records.some(({ SequenceNumber }) => SequenceNumber === second?.SequenceNumber))
          return { holds: false, seen: `round ${round}: said to be at its tip without the record` };
      }
      return { holds: true, seen: `${ROUNDS} records, each found` };
    },
  },
  {
    service: "Kinesis",
    assumption: "PutRecords takes 500 records, and no more",
    run(context) {
      const records = (count: number) => Array.from({ length: count }, (_, i) => ({ partitionKey: `${i}`, data: "x" }));
      return limit(
        () => put(context, records(MOST_RECORDS)),
        () => put(context, records(MOST_RECORDS + 1)),
      );
    },
  },
  {
    service: "Kinesis",
    assumption: "a request beyond a shard's throughput fails for some records, each told apart",
    run: throttled,
  },
  {
    service: "Kinesis",
    assumption: "a split shard stays listed, closed; its children name it; it gives no iterator after its last record",
    async run(context) {
      const [parent] = await shards(context);
      const { StartingHashKey = "0", EndingHashKey = "0" } = parent?.HashKeyRange ?? {};
      const middle = (BigInt(StartingHashKey) + BigInt(EndingHashKey)) / 2n;
      await context.clients.kinesis.send(
        new SplitShardCommand({
          StreamName: context.place.stream,
          ShardToSplit: parent?.ShardId,
          NewStartingHashKey: String(middle),
        }),
      );
      let children: readonly Shard[] = [];
      for (let look = 0; look < 120 && children.length < 2; look++) {
        await context.sleep(1_000);
        children = (await shards(context)).filter(({ ParentShardId }) => ParentShardId === parent?.ShardId);
      }
      const closed = (await shards(context)).find(({ ShardId }) => ShardId === parent?.ShardId);
      const hasEnd = closed?.SequenceNumberRange?.EndingSequenceNumber !== undefined;
      const { isClosed } = await read(context, parent?.ShardId ?? "", undefined, LOOKS_AT_END);
      return {
        holds: children.length === 2 && hasEnd && isClosed,
        seen: `${children.length} children, parent ${closed === undefined ? "not listed" : hasEnd ? "closed" : "open"}, ${isClosed ? "no" : "an"} iterator at its end`,
      };
    },
  },
];

/** 2 MB within a second or so, to one shard that takes 1 MB a second. */
async function throttled(context: ProbeContext): Promise<Finding> {
  const records = Array.from({ length: 100 }, () => ({ partitionKey: "hot", data: "x".repeat(10_000) }));
  const all = (await Promise.all([put(context, records), put(context, records), put(context, records)])).flat();
  const failed = all.filter(({ ErrorCode }) => ErrorCode !== undefined);
  const isTold = failed.every(({ ErrorCode, SequenceNumber }) => ErrorCode && SequenceNumber === undefined);
  if (failed.length === 0) return { holds: undefined, seen: `all ${all.length} were taken: no throughput limit` };
  const codes = [...new Set(failed.map(({ ErrorCode }) => ErrorCode))].join(", ");
  return { holds: isTold && failed.length < all.length, seen: `${failed.length} of ${all.length} failed: ${codes}` };
}
