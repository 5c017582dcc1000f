import { describe, expect, test } from "vitest";
import type { OffsetBatch, Topic } from "../../../lib/connectors/kafka/client.ts";
import { KafkaPartitions } from "../../../lib/connectors/kafka/partitions.ts";

/** A partition's log: what lies at each offset from the first that is kept. */
type Entry = "record" | "marker" | "compacted";

/** A topic of one log, whose answers have one batch each. */
function topicOf(log: readonly Entry[], earliest = 0, partitions = 1): Topic {
  const latest = BigInt(earliest + log.length);
  return {
    partitions: () => Promise.resolve(partitions),
    bounds: () => Promise.resolve({ earliest: BigInt(earliest), latest }),
    read: (_partition, offset): Promise<readonly OffsetBatch[]> => {
      const entry = log[Number(offset) - earliest];
      return Promise.resolve(
        entry === undefined ? [] : [{ next: offset + 1n, records: entry === "record" ? [offset] : [] }],
      );
    },
  };
}

const partitionsOf = (topic: Topic, declared?: number) => new KafkaPartitions(topic, "orders", declared);

describe("X12: a partition is at its tip when nothing lies after a position that a consumer is given", () => {
  test.each<[string, Entry[], string, boolean]>([
    ["an empty log, before all records", [], "", true],
    ["a record, before all records", ["record"], "", false],
    ["the last record", ["record", "record"], "1", true],
    ["the last but one", ["record", "record"], "0", false],
    ["a marker after the last record", ["record", "marker"], "0", true],
    ["a record after a marker", ["record", "marker", "record"], "0", false],
    ["what compaction has left no record of", ["record", "compacted", "compacted", "marker"], "0", true],
    ["a log that begins with markers", ["marker", "marker"], "", true],
  ])("%s", async (_what, log, position, isAtTip) => {
    expect(await partitionsOf(topicOf(log)).isAtTip("orders-0", position)).toBe(isAtTip);
  });

  test("markers without end are not read without end: not at the tip", async () => {
    const log = Array<Entry>(100).fill("marker");
    expect(await partitionsOf(topicOf(log)).isAtTip("orders-0", "")).toBe(false);
  });

  test("a broker that answers nothing where there is something is asked again later", async () => {
    const topic = { ...topicOf(["record", "record"]), read: () => Promise.resolve([]) };
    await expect(partitionsOf(topic).isAtTip("orders-0", "0")).rejects.toMatchObject({
      kind: "infrastructure",
      code: "kafka/read",
    });
  });
});

describe("X6: what the brokers say of a topic that was made anew, and of what was lost", () => {
  test("a topic that ends below the position was made anew", async () => {
    const partitions = partitionsOf(topicOf(["record"]));
    const anew = { kind: "systemic", code: "source/recreated" };
    await expect(partitions.isAtTip("orders-0", "1")).rejects.toMatchObject(anew);
    await expect(partitions.lostAfter("orders-0", "1")).rejects.toMatchObject(anew);
  });

  test.each<[string, number, string, string | undefined, { from: string; to: string } | undefined]>([
    ["nothing, where the next record follows", 0, "4", "5", undefined],
    ["nothing, where markers lie between", 0, "4", "7", undefined],
    ["what retention took before the record", 7, "4", "9", { from: "5", to: "6" }],
    ["no more than up to the record", 20, "4", "9", { from: "5", to: "8" }],
    ["what retention took of a partition without new records", 7, "4", undefined, { from: "5", to: "6" }],
    ["nothing of what was gone before the pipeline began", 7, "", "7", undefined],
  ])("%s", async (_what, earliest, position, before, loss) => {
    const log = Array<Entry>(30).fill("record");
    expect(await partitionsOf(topicOf(log, earliest)).lostAfter("orders-0", position, before)).toEqual(loss);
  });
});

describe("partitions", () => {
  test("are those that the topic has: each has all keys, and replaces none", async () => {
    const listed = await partitionsOf(topicOf([], 0, 3)).list();
    expect(listed.map(({ id }) => id)).toEqual(["orders-0", "orders-1", "orders-2"]);
    for (const { parents, range } of listed) expect([parents, range.from[0], range.to[0]]).toEqual([[], "0", "f"]);
  });

  test("another number than keys are dealt out to stops the stage", async () => {
    await expect(partitionsOf(topicOf([], 0, 4), 3).list()).rejects.toMatchObject({
      kind: "systemic",
      code: "kafka/partitions-changed",
    });
    expect(await partitionsOf(topicOf([], 0, 3), 3).list()).toHaveLength(3);
  });
});
