import * as zlib from "node:zlib";
import fc from "fast-check";
import { snappyCompress } from "hyparquet-writer/src/snappy.js";
import { describe, expect, test } from "vitest";
import {
  compressionOf,
  CompressionError,
  decompress,
  hasZstd,
  type Compression,
} from "../../lib/formats/compression.ts";

type Zstd = (bytes: Uint8Array) => Buffer;
const zstd = (zlib as unknown as { readonly zstdCompressSync: Zstd }).zstdCompressSync;

const COMPRESS: Readonly<Record<Compression, (bytes: Uint8Array) => Uint8Array>> = {
  gzip: (bytes) => zlib.gzipSync(bytes),
  snappy: snappyCompress,
  ...(hasZstd() ? { zstd } : { zstd: () => Buffer.from("28b52ffd", "hex") }),
};
const here = (["gzip", "snappy", "zstd"] as const).filter((one) => one !== "zstd" || hasZstd());

const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 300 }),
  fc
    .array(fc.constantFrom("a", "ab", '{"key":"a","time":1}'), { maxLength: 500 })
    .map((all) => Buffer.from(all.join(""))),
  fc.integer({ min: 0, max: 100_000 }).map((size) => Buffer.alloc(size, "long literals and copies ")),
);

const codeOf = (work: () => unknown): string => {
  try {
    work();
  } catch (thrown) {
    if (thrown instanceof CompressionError) return thrown.code;
    throw thrown;
  }
  return "none";
};

describe.each(here)("%s", (compression) => {
  test("what another's compressor made comes back", () => {
    fc.assert(
      fc.property(bytes, (given) => {
        const out = decompress(COMPRESS[compression](given), compression, given.length + 1);
        expect(Buffer.compare(out, Buffer.from(given))).toBe(0);
      }),
    );
  });

  test("of as many bytes as are allowed all come, of one more none", () => {
    const given = COMPRESS[compression](Buffer.alloc(70_000, "x"));
    expect(decompress(given, compression, 70_000)).toHaveLength(70_000);
    expect(codeOf(() => decompress(given, compression, 69_999))).toBe("compression/too-large");
  });

  test("what was damaged is refused or bounded, and ends", () => {
    const most = 10_000;
    fc.assert(
      fc.property(
        bytes,
        fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 5 }),
        (given, changes) => {
          const damaged = Buffer.from(COMPRESS[compression](given));
          for (const [at, value] of changes) damaged[at % damaged.length] = value;
          let length = 0;
          const code = codeOf(() => (length = decompress(damaged, compression, most).length));
          expect(["none", "compression/damaged", "compression/too-large"]).toContain(code);
          expect(length).toBeLessThanOrEqual(most);
        },
      ),
      { numRuns: 500 },
    );
  });

  test("what was cut short is damaged", () => {
    const given = COMPRESS[compression](Buffer.from("some bytes, some bytes, some bytes, and more of them"));
    for (let size = 1; size < given.length; size++) {
      expect(codeOf(() => decompress(given.subarray(0, size), compression, 1_000))).toBe("compression/damaged");
    }
  });
});

test("any bytes at all as snappy: refused or bounded, and it ends", () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 200 }), (given) => {
      expect(["none", "compression/damaged", "compression/too-large"]).toContain(
        codeOf(() => decompress(given, "snappy", 1_000)),
      );
    }),
    { numRuns: 2_000 },
  );
});

test("a length of 4 GB in a few bytes allocates nothing", () => {
  expect(codeOf(() => decompress(Buffer.from("ffffffff0f00", "hex"), "snappy", 1_000))).toBe("compression/too-large");
});

test("a literal whose length would be negative as a signed number is refused", () => {
  // Length 8; a literal of four more bytes of length, fe ff ff ff.
  expect(codeOf(() => decompress(Buffer.from("08fcfeffffff00000000", "hex"), "snappy", 1_000))).toBe(
    "compression/damaged",
  );
});

test("gzip and zstd are known by their first bytes; JSON is neither", () => {
  expect(compressionOf(zlib.gzipSync("{}"))).toBe("gzip");
  expect(compressionOf(Buffer.from("28b52ffd00", "hex"))).toBe("zstd");
  fc.assert(fc.property(fc.json(), (json) => void expect(compressionOf(Buffer.from(json))).toBeUndefined()));
});

test.skipIf(hasZstd())("a Node without zstd says so, and does not call the payload damaged", () => {
  expect(codeOf(() => decompress(COMPRESS.zstd(Buffer.of()), "zstd", 1_000))).toBe("compression/unsupported");
});
