import { GetRecordsCommand, GetShardIteratorCommand, KinesisClient } from "@aws-sdk/client-kinesis";
import { describe, expect, test } from "vitest";
import { isShardAtTip } from "../../../lib/connectors/kinesis/tip.ts";

interface Read {
  readonly records?: number;
  readonly behind?: number;
  /** A closed shard's last read names no next iterator. */
  readonly closed?: boolean;
}

/** A shard that answers as it is told, read by read; then ever again as the last time. */
class ToldClient extends KinesisClient {
  readonly sent: unknown[] = [];
  readonly #reads: readonly Read[];
  #read = 0;

  constructor(...reads: readonly Read[]) {
    super({ region: "us-east-1" });
    this.#reads = reads;
    this.send = (async (command: unknown) => this.#answer(command)) as KinesisClient["send"];
  }

  get reads(): GetRecordsCommand[] {
    return this.sent.filter((command) => command instanceof GetRecordsCommand);
  }

  #answer(command: unknown): unknown {
    this.sent.push(command);
    if (command instanceof GetShardIteratorCommand) return { ShardIterator: "iterator-0" };
    const { records = 0, behind, closed = false } = this.#reads[Math.min(this.#read++, this.#reads.length - 1)]!;
    return {
      Records: Array.from({ length: records }, () => ({ SequenceNumber: "8" })),
      ...(behind === undefined ? {} : { MillisBehindLatest: behind }),
      ...(closed ? {} : { NextShardIterator: `iterator-${this.#read}` }),
    };
  }
}

const ARN = "arn:aws:kinesis:us-east-1:123456789012:stream/events";
const atTip = (client: KinesisClient, sequence = "7", wait: (millis: number) => Promise<void> = async () => {}) =>
  isShardAtTip({ client, wait }, ARN, "shardId-000000000000", sequence);

describe("X12: a shard is at its tip only when that is proven", () => {
  test("a record after the position: it is not", async () => {
    expect(await atTip(new ToldClient({ records: 1, behind: 500 }))).toBe(false);
  });

  test("a record after the position, the shard's last one: it is not", async () => {
    expect(await atTip(new ToldClient({ records: 1, behind: 0 }))).toBe(false);
  });

  test("of a source that begins at a time: what arrived before does not count, and only before anything was read", async () => {
    const begins = async (sequence: string) => {
      const client = new ToldClient({ behind: 0 });
      await isShardAtTip(
        { client, wait: async () => {}, startAt: 1_700_000_000 },
        ARN,
        "shardId-000000000000",
        sequence,
      );
      return (client.sent[0] as GetShardIteratorCommand).input;
    };
    expect(await begins("")).toMatchObject({
      ShardIteratorType: "AT_TIMESTAMP",
      Timestamp: new Date(1_700_000_000_000),
    });
    expect(await begins("7")).toMatchObject({ ShardIteratorType: "AFTER_SEQUENCE_NUMBER" });
  });

  test("a closed shard whose last record is unread: it is not", async () => {
    expect(await atTip(new ToldClient({ records: 1, closed: true }))).toBe(false);
  });

  test("a closed shard that has given all: it is", async () => {
    const client = new ToldClient({ closed: true });
    expect(await atTip(client)).toBe(true);
    expect(client.reads).toHaveLength(1);
  });

  test("nothing, and nothing behind: it is", async () => {
    const client = new ToldClient({ behind: 0 });
    expect(await atTip(client)).toBe(true);
    expect(client.reads).toHaveLength(1);
  });

  test("nothing, but behind: it reads on, from where it was", async () => {
    const client = new ToldClient({ behind: 5_000 }, { behind: 2_000 }, { behind: 0 });
    expect(await atTip(client)).toBe(true);
    expect(client.reads.map(({ input }) => input.ShardIterator)).toEqual(["iterator-0", "iterator-1", "iterator-2"]);
  });

  test("nothing, but behind, and then a record: it is not", async () => {
    expect(await atTip(new ToldClient({ behind: 5_000 }, { records: 1, behind: 0 }))).toBe(false);
  });

  test("nothing, and no word of how far behind: it reads on", async () => {
    expect(await atTip(new ToldClient({}, { records: 1, behind: 0 }))).toBe(false);
  });

  test("nothing and behind for ever: it is not, and it gives up", async () => {
    expect(await atTip(new ToldClient({ behind: 5_000 }))).toBe(false);
  });

  test("between two reads it waits, as a shard takes five a second from all its readers together", async () => {
    const client = new ToldClient({ behind: 5_000 }, { behind: 2_000 }, { behind: 0 });
    const waits: [after: number, millis: number][] = [];
    await atTip(client, "7", async (millis) => void waits.push([client.reads.length, millis]));
    expect(waits.map(([after]) => after)).toEqual([1, 2]);
    for (const [, millis] of waits) expect(millis).toBeGreaterThanOrEqual(200);
  });

  test("it reads after the position, and from the start for a task that has none", async () => {
    const [known, unknown] = [new ToldClient({ behind: 0 }), new ToldClient({ behind: 0 })];
    await atTip(known, "7");
    await atTip(unknown, "");
    const shard = { StreamName: "events", ShardId: "shardId-000000000000" };
    expect(known.sent[0]).toMatchObject({
      input: { ...shard, ShardIteratorType: "AFTER_SEQUENCE_NUMBER", StartingSequenceNumber: "7" },
    });
    expect(unknown.sent[0]).toMatchObject({ input: { ...shard, ShardIteratorType: "TRIM_HORIZON" } });
  });

  test("a service that fails is asked again later: an infrastructure error", async () => {
    const client = new KinesisClient({ region: "us-east-1" });
    client.send = () => Promise.reject(new Error("throttled"));
    await expect(atTip(client)).rejects.toMatchObject({ kind: "infrastructure", code: "kinesis/tip" });
  });
});
