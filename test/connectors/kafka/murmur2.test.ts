import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { murmur2, partitionOf } from "../../../lib/connectors/kafka/murmur2.ts";

describe("murmur2", () => {
  // org.apache.kafka.common.utils.UtilsTest, testMurmur2
  test.each([
    ["21", -973932308],
    ["foobar", -790332482],
    ["a-little-bit-long-string", -985981536],
    ["a-little-bit-longer-string", -1486304829],
    ["lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58897971],
    ["abc", 479470107],
  ])("of %j is what Kafka's own test has", (text, hash) => {
    expect(murmur2(Buffer.from(text))).toBe(hash);
  });

  test("a key is on a partition that there is, the same every time", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary" }), fc.integer({ min: 1, max: 10_000 }), (key, partitions) => {
        const partition = partitionOf(key, partitions);
        expect(partition).toBeGreaterThanOrEqual(0);
        expect(partition).toBeLessThan(partitions);
        expect(partitionOf(key, partitions)).toBe(partition);
      }),
    );
  });
});
