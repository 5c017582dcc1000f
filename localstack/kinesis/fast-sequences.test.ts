import { createRequire } from "node:module";
import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { parseVersion2, stringifyVersion2 } from "./fast-sequences.ts";

interface Sequences {
  parseSequence(text: string): unknown;
  stringifySequence(sequence: object): string;
}

const require = createRequire(import.meta.url);
const kinesalite = require("kinesalite/db") as Sequences;

describe("Sequence numbers", () => {
  it("are the same to the digit as kinesalite's own", () => {
    const sequence = fc.record({
      shardCreateTime: fc.integer({ min: 1e12, max: 4e12 }),
      seqIx: fc.oneof(fc.integer({ min: 0 }), fc.constant("9223372036854775807")),
      seqTime: fc.integer({ min: 1e12, max: 4e12 }),
      shardIx: fc.integer({ min: 0, max: 2_147_483_647 }),
    });
    fc.assert(
      fc.property(sequence, (parts) => {
        const text = kinesalite.stringifySequence(parts);
        expect(stringifyVersion2(parts)).toBe(text);
        expect(parseVersion2(text)).toEqual(kinesalite.parseSequence(text));
      }),
    );
  });

  it("of other versions, and what is none, are left to kinesalite", () => {
    for (const version of [0, 1]) {
      const text = kinesalite.stringifySequence({ shardCreateTime: 1e12, seqTime: 1e12, shardIx: 1, version });
      expect(parseVersion2(text)).toBeUndefined();
      expect(stringifyVersion2({ shardCreateTime: 1e12, version })).toBeUndefined();
    }
    for (const text of ["", "0", "abc", "-1", "9".repeat(60)]) expect(parseVersion2(text)).toBeUndefined();
  });
});
