import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { encodeSequence, isJsonSequence, SequenceError, splitSequence } from "../../lib/formats/json-sequence.ts";
import { aggregate, deaggregate, KplError } from "../../lib/formats/kpl.ts";
import { aggregated, opened } from "../support/kpl.ts";

describe("a sequence of JSON texts (RFC 7464)", () => {
  test("comes apart as it was put together", () => {
    fc.assert(
      fc.property(fc.array(fc.json(), { minLength: 1 }), (texts) => {
        const bytes = encodeSequence(texts);
        expect(isJsonSequence(bytes)).toBe(true);
        expect(splitSequence(bytes).map(String)).toEqual(texts);
      }),
    );
  });

  test("cut off anywhere but between texts it is refused", () => {
    const texts = ['{"a":1}', "[2]", '"three"'];
    const bytes = encodeSequence(texts);
    const ends = texts.map((_, i) => encodeSequence(texts.slice(0, i + 1)).length);
    for (let size = 1; size < bytes.length; size++) {
      const cut = bytes.subarray(0, size);
      if (ends.includes(size)) expect(splitSequence(cut)).toHaveLength(ends.indexOf(size) + 1);
      else expect(() => splitSequence(cut)).toThrow(SequenceError);
    }
  });

  test("JSON is none", () => {
    fc.assert(fc.property(fc.json(), (json) => void expect(isJsonSequence(Buffer.from(json))).toBe(false)));
  });
});

const records = fc.array(
  fc.record(
    {
      partitionKey: fc.string({ minLength: 1, maxLength: 300 }),
      explicitHashKey: fc.constantFrom("0", "340282366920938463463374607431768211455"),
      data: fc.oneof(fc.json(), fc.uint8Array({ maxLength: 300 })),
      tags: fc.array(fc.record({ key: fc.string(), value: fc.string() }, { requiredKeys: ["key"] }), { maxLength: 2 }),
    },
    { requiredKeys: ["partitionKey", "data"] },
  ),
  { maxLength: 50 },
);

describe("an aggregated record of the KPL", () => {
  test("comes apart as another's encoder put it together", () => {
    fc.assert(
      fc.property(records, (given) => {
        expect(deaggregate(aggregated(given))).toEqual(
          given.map(({ partitionKey, explicitHashKey, data, tags = [] }) => ({
            partitionKey,
            hasExplicitHashKey: explicitHashKey !== undefined,
            data: Buffer.from(data as string),
            tags: tags.map(({ key, value }) => [key, value]),
          })),
        );
      }),
    );
  });

  test("put together here, another's decoder takes it apart, tags and all", () => {
    const tag = fc.tuple(fc.string(), fc.option(fc.string(), { nil: undefined }));
    const record = fc.record({
      partitionKey: fc.string(),
      data: fc.uint8Array({ maxLength: 300 }).map((bytes) => Buffer.from(bytes)),
      tags: fc.array(tag, { maxLength: 3 }),
    });
    fc.assert(
      fc.property(fc.array(record, { maxLength: 200 }), (given) => {
        const bytes = aggregate(given);
        expect(deaggregate(bytes)).toEqual(given.map((one) => ({ ...one, hasExplicitHashKey: false })));
        expect(opened(bytes).map(({ partitionKey, data }) => [partitionKey, data])).toEqual(
          given.map(({ partitionKey, data }) => [partitionKey, data.toString()]),
        );
      }),
    );
  });

  test("changed in any byte it is none: the digest says so", () => {
    const bytes = aggregated([{ partitionKey: "a", data: "{}" }]);
    for (let i = 0; i < bytes.length; i++) {
      const changed = Buffer.from(bytes);
      changed[i]! ^= 1;
      expect(deaggregate(changed)).toBeUndefined();
    }
  });

  test("with a right digest and any message it is read, or refused with its own error", async () => {
    const { createHash } = await import("node:crypto");
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 60 }), (message) => {
        const digest = createHash("md5").update(message).digest();
        try {
          deaggregate(Buffer.concat([Buffer.from("f3899ac2", "hex"), message, digest]));
        } catch (thrown) {
          expect(thrown).toBeInstanceOf(KplError);
        }
      }),
      { numRuns: 2_000 },
    );
  });
});
