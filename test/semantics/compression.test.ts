import fc from "fast-check";
import { deflateRawSync } from "node:zlib";
import { describe, expect, test } from "vitest";
import { MillraceError } from "../../lib/errors.ts";
import { decodeCheckpoint, sealCheckpoint } from "../../lib/state/checkpoint.ts";
import { CODEC, codecOf, decodeBody, encodeBody, packed } from "../../lib/state/codec.ts";
import {
  compressed,
  compressedBlock,
  decompressed,
  hasZstd,
  inflatedBlock,
  type Method,
} from "../../lib/state/compression.ts";

const METHODS: readonly Method[] = hasZstd ? ["deflate", "zstd"] : ["deflate"];
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 3_000 }),
  fc
    .tuple(fc.uint8Array({ maxLength: 30 }), fc.nat(18_000))
    .map(([some, times]) => Buffer.alloc(some.length * times, some)),
);

describe.each(METHODS)("%s", (method) => {
  test("bytes come back as they were, alone and in blocks", () => {
    fc.assert(
      fc.property(bytes, (some) => {
        expect(Buffer.compare(decompressed(compressed(some, method), some.length + 1), some)).toBe(0);
        expect(Buffer.compare(inflatedBlock(compressedBlock(some), some.length), some)).toBe(0);
      }),
      { numRuns: 200 },
    );
  });

  test("nothing becomes more than is allowed, and a block neither more nor less than was said", () => {
    const much = Buffer.alloc(1 << 26);
    expect(() => decompressed(compressed(much, method), 1 << 20)).toThrow();
    expect(() => inflatedBlock(compressedBlock(much), 1 << 20)).toThrow();
    expect(() => inflatedBlock(compressedBlock(Buffer.alloc(100)), 101)).toThrow("another length");
    expect(() => inflatedBlock(compressedBlock(Buffer.alloc(100)), 99)).toThrow();
  });

  test("what was damaged is an error, or other bytes, and never the end of the process", () => {
    const whole = compressed(Buffer.from("a state ".repeat(900)), method);
    for (let at = 0; at < whole.length; at++) {
      const damaged = whole.map((byte, i) => (i === at ? byte ^ 0x55 : byte));
      for (const some of [damaged, whole.subarray(0, at)])
        expect(lengthOf(() => decompressed(some, 1 << 16))).toBeLessThanOrEqual(1 << 16);
    }
  });

  test("a body that is cut short anywhere is refused", () => {
    const body = compressed(packed(Array.from({ length: 3_000 }, (_, n) => [n, `value ${n}`])), method);
    for (let end = 0; end < body.length; end++)
      expect(() => decodeBody(body.subarray(0, end), `msgpack+${method}`, "The body")).toThrow(MillraceError);
  });
});

test("what a build wrote that has no zstd is read, and what nobody wrote is refused by its name", () => {
  const value = { sensor: "a", readings: [1, 2, 3] };
  expect(decodeBody(deflateRawSync(packed(value)), "msgpack+deflate", "The body")).toEqual(value);
  expect(decodeBody(encodeBody(value), CODEC, "The body")).toEqual(value);
  expect(codecOf(encodeBody(value))).toBe("msgpack+deflate"); // small ones are read on any Node
  expect(codecOf(encodeBody("a large value ".repeat(999)))).toBe(CODEC);
  expect(() => decodeBody(encodeBody(value), "msgpack+brotli", "The body")).toThrow(
    expect.objectContaining({ code: "state/codec", message: expect.stringContaining("this build does not know") }),
  );
});

test.skipIf(hasZstd)("a Node without zstd says so, and what to do", () => {
  for (const decode of [
    () => decodeBody(Buffer.alloc(9), "msgpack+zstd", "The body"),
    () => decodeCheckpoint("task", sealCheckpoint("task", ENVELOPE, BODY, "msgpack+zstd"), BODY),
    () => decodeCheckpoint("task", sealCheckpoint("task", ENVELOPE, RUNS, "msgpack+zstd+runs/2"), RUNS),
  ])
    expect(decode).toThrow(
      expect.objectContaining({
        code: "state/codec",
        message: expect.stringContaining("this Node does not read"),
        advice: expect.stringContaining("22.15"),
      }),
    );
});

/** Nothing where that is an error. */
function lengthOf(make: () => Uint8Array): number {
  try {
    return make().length;
  } catch {
    return 0;
  }
}

const ENVELOPE = { key: "k", build: "b", epoch: 1, at: 0, written: 0, caughtUp: 0 };
const BODY = Buffer.from("body");
const RUNS = Buffer.from([0, 0, 0, 2, 1, 2]);
