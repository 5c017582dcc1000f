import { PassThrough } from "node:stream";
import { describe, expect, test } from "vitest";
import { Printer } from "./print.ts";
import { choose, reshard, STEPS, type Step } from "./reshard.ts";
import type { Shard } from "./shard.ts";

const LAST = 2n ** 128n - 1n;

/** A stream that splits and merges as Kinesis does, of so many shards. */
class Stream {
  readonly shards: Shard[] = [];

  constructor(count: number) {
    const width = (LAST + 1n) / BigInt(count);
    for (let i = 0n; i < count; i++) this.#add([], i * width, i === BigInt(count) - 1n ? LAST : (i + 1n) * width - 1n);
  }

  split = async (shard: Shard, at: bigint): Promise<void> => {
    expect(at > shard.from && at < shard.to).toBe(true);
    this.#close(shard);
    this.#add([shard.id], shard.from, at - 1n);
    this.#add([shard.id], at, shard.to);
  };

  merge = async (lower: Shard, upper: Shard): Promise<void> => {
    expect(upper.from).toBe(lower.to + 1n);
    this.#close(lower);
    this.#close(upper);
    this.#add([lower.id, upper.id], lower.from, upper.to);
  };

  #add(parents: readonly string[], from: bigint, to: bigint): void {
    const id = `shardId-${String(this.shards.length).padStart(12, "0")}`;
    this.shards.push({ id, parents, from, to, isOpen: true });
  }

  #close({ id }: Shard): void {
    const index = this.shards.findIndex((shard) => shard.id === id);
    expect(this.shards[index]!.isOpen).toBe(true);
    this.shards[index] = { ...this.shards[index]!, isOpen: false };
  }
}

/** Reshards while a thousand events are pushed, ten at every sleep. */
async function run(stream: Stream, hasRecords: (shard: string) => boolean = () => true) {
  let pushed = 0;
  const done: { step: string; pushed: number }[] = [];
  const note = (step: string) => done.push({ step, pushed });
  const isComplete = await reshard({
    stage: "events",
    steps: STEPS,
    shards: async () => [...stream.shards],
    split: async (shard, at) => {
      note(shard.parents.length === 2 ? "split merged" : "split");
      await stream.split(shard, at);
    },
    merge: async (lower, upper) => {
      note("merge");
      await stream.merge(lower, upper);
    },
    pushed: () => pushed,
    total: 1_000,
    hasRecords,
    isOver: () => pushed >= 1_000,
    sleep: async () => void (pushed += 10),
    printer: new Printer(new PassThrough() as unknown as NodeJS.WriteStream),
  });
  return { isComplete, done };
}

describe("resharding under load", () => {
  test.each([1, 2, 3, 32])("of %i shards: every step, at even distances, and the keys stay covered", async (count) => {
    const stream = new Stream(count);
    const { isComplete, done } = await run(stream);
    expect(isComplete).toBe(true);
    expect(done.map(({ step }) => step)).toEqual([...STEPS]);
    for (const [i, { pushed }] of done.entries()) expect(Math.abs(pushed - (1_000 * (i + 1)) / 6)).toBeLessThan(20);
    const open = stream.shards.filter(({ isOpen }) => isOpen).toSorted((a, b) => (a.from < b.from ? -1 : 1));
    expect([open[0]!.from, open.at(-1)!.to]).toEqual([0n, LAST]);
    for (const [i, shard] of open.slice(1).entries()) expect(shard.from).toBe(open[i]!.to + 1n);
  });

  test("merges are of shards with different parents", async () => {
    const stream = new Stream(1);
    await run(stream);
    const merged = stream.shards.filter(({ parents }) => parents.length === 2);
    expect(merged).toHaveLength(2);
    const parentsOf = (id: string) => stream.shards.find((shard) => shard.id === id)!.parents.join();
    for (const { parents } of merged) expect(new Set(parents.map(parentsOf)).size).toBe(2);
  });

  test("shards that never take a record are left alone, and it is told when nothing can be done", async () => {
    const { isComplete, done } = await run(new Stream(2), (shard) => shard === "shardId-000000000000");
    expect(isComplete).toBe(false);
    expect(done.map(({ step }) => step)).toEqual(["split"]);
  });

  test.each<[Step, string | undefined]>([
    ["split", "shardId-000000000002"],
    ["merge", undefined],
    ["split merged", undefined],
  ])("of two siblings, the second by far the wider: %s", async (step, shard) => {
    const stream = new Stream(1);
    await stream.split(stream.shards[0]!, 5n);
    const chosen = choose(step, stream.shards, () => true);
    expect(chosen?.kind === "split" ? chosen.shard.id : undefined).toBe(shard);
    expect(chosen === undefined).toBe(shard === undefined);
  });
});
