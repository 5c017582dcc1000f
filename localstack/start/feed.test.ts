import { describe, expect, test } from "vitest";
import { feed, type Accepted, type FeedEvent, type FeedOptions } from "./feed.ts";

async function* events(count: number, size = 10): AsyncGenerator<FeedEvent> {
  for (let n = 0; n < count; n++) yield { n, partitionKey: `k${n % 3}`, event: "x".repeat(size) };
}

/** A stream that refuses what it is told to, and keeps time without a clock. */
function stream(refuse: (call: number, index: number) => boolean = () => false) {
  const accepted: Accepted[] = [];
  const calls: number[] = [];
  const slept: number[] = [];
  let sequence = 0;
  let now = 0;
  const options: FeedOptions = {
    put: async (records) => {
      const call = calls.push(records.length) - 1;
      return records.map((_, i) =>
        refuse(call, i)
          ? { ErrorCode: "ProvisionedThroughputExceededException" }
          : { ShardId: "s", SequenceNumber: String(++sequence) },
      );
    },
    onAccepted: (some) => void accepted.push(...some),
    sleep: async (millis) => {
      slept.push(millis);
      now += millis;
    },
    now: () => now,
  };
  return { accepted, calls, slept, options };
}

describe("feed", () => {
  test("puts 500 records a request, in order, and tells each one's place", async () => {
    const { accepted, calls, options } = stream();
    expect(await feed(events(1_201), options)).toBe(1_201);
    expect(calls).toEqual([500, 500, 201]);
    expect(accepted.map(({ n }) => n)).toEqual(Array.from({ length: 1_201 }, (_, n) => n));
  });

  test("keeps a request below 5 MiB", async () => {
    const { calls, options } = stream();
    await feed(events(11, 1_000_000), options);
    expect(calls).toEqual([5, 5, 1]);
  });

  test("what is refused is put again until it is accepted, once", async () => {
    const { accepted, calls, options } = stream((call, i) => (call === 0 && i % 2 === 0) || call === 1);
    await feed(events(10), options);
    expect(calls).toEqual([10, 5, 5]);
    expect(accepted.map(({ n }) => n)).toEqual([1, 3, 5, 7, 9, 0, 2, 4, 6, 8]);
    expect(accepted.map(({ sequence }) => Number(sequence))).toEqual([1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
  });

  test("a rate is kept by waiting before a request is early", async () => {
    const { slept, calls, options } = stream();
    await feed(events(1_000), { ...options, rate: 2_000 });
    expect(calls).toEqual(Array.from({ length: 10 }, () => 100));
    expect(slept.reduce((a, b) => a + b, 0)).toBeCloseTo(450);
  });

  test("a lost answer is an error: the order of acceptance would be unknown", async () => {
    const { options } = stream();
    const lost = async () => Promise.reject(new Error("socket hang up"));
    await expect(feed(events(1), { ...options, put: lost })).rejects.toThrow("socket hang up");
  });

  test("events out of order are refused", async () => {
    async function* backwards(): AsyncGenerator<FeedEvent> {
      yield { n: 1, partitionKey: "k", event: "{}" };
      yield { n: 0, partitionKey: "k", event: "{}" };
    }
    await expect(feed(backwards(), stream().options)).rejects.toThrow("out of order");
  });
});
