import { gzipSync } from "node:zlib";
import * as zlib from "node:zlib";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { linesOf, opened, type Line, type LineLimits } from "../../lib/connectors/s3/lines.ts";
import { BEGINNING, type LinePlace } from "../../lib/connectors/s3/notification.ts";
import { hasZstd } from "../../lib/formats/compression.ts";

async function* pieces(bytes: Buffer, sizes: readonly number[]): AsyncGenerator<Uint8Array> {
  for (let at = 0, i = 0; at < bytes.length; i++) {
    const size = sizes.length === 0 ? bytes.length : sizes[i % sizes.length]!;
    yield bytes.subarray(at, at + size);
    at += size;
  }
}

const limits: LineLimits = { lines: 3, bytes: 40, lineBytes: 25 };

async function read(bytes: AsyncIterable<Uint8Array>, from: LinePlace = BEGINNING) {
  const all: Line[] = [];
  const ends: LinePlace[] = [];
  for await (const { lines, end } of linesOf(bytes, from, limits)) {
    expect(lines.length).toBeLessThanOrEqual(limits.lines);
    all.push(...lines);
    ends.push(end);
  }
  return { all, ends };
}

const text = fc.array(fc.oneof(fc.string({ maxLength: 30 }), fc.constant("\n"), fc.constant("\r\n"), fc.constant("é")));
const sizes = fc.array(fc.integer({ min: 1, max: 20 }), { minLength: 1, maxLength: 5 });

describe("lines of an object", () => {
  test("they are those of its text, however it comes in pieces; what is too long has its beginning", async () => {
    await fc.assert(
      fc.asyncProperty(text, sizes, async (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const { all } = await read(pieces(bytes, cuts));
        const expected = bytes
          .toString("latin1")
          .split("\n")
          .map((line, index) => ({ index, isTooLong: line.length > 25, line: line.slice(0, 25).replace(/\r$/, "") }))
          .filter(({ line }) => line !== "");
        expect(
          all.map(({ index, isTooLong, bytes: own }) => ({ index, isTooLong, line: own.toString("latin1") })),
        ).toEqual(expected);
      }),
      { numRuns: 300 },
    );
  });

  test("read on from any place that was told, they are the rest", async () => {
    await fc.assert(
      fc.asyncProperty(text, sizes, async (parts, cuts) => {
        const bytes = Buffer.from(parts.join(""));
        const { all, ends } = await read(pieces(bytes, cuts));
        for (const end of ends) {
          const rest = await read(pieces(bytes.subarray(end.byte), cuts), end);
          expect(rest.all).toEqual(all.filter(({ index }) => index >= end.line));
        }
      }),
      { numRuns: 100 },
    );
  });
});

describe("compressed objects", () => {
  const body = Buffer.from(Array.from({ length: 500 }, (_, i) => `{"n":${i}}`).join("\n"));
  const whole = async (bytes: Buffer, cuts: readonly number[]) =>
    (await read((await opened(pieces(bytes, cuts))).bytes)).all;

  test.each([[1], [3], [100]])(
    "gzip, several in a row too, is known by its first bytes, in pieces of %i",
    async (size) => {
      const plain = await whole(body, [size]);
      expect(plain).toHaveLength(500);
      expect(await whole(gzipSync(body), [size])).toEqual(plain);
      const members = Buffer.concat([gzipSync(body.subarray(0, 777)), gzipSync(body.subarray(777))]);
      expect(await whole(members, [size])).toEqual(plain);
    },
  );

  test.runIf(hasZstd())("zstd", async () => {
    const compress = (zlib as unknown as { zstdCompressSync: (bytes: Buffer) => Buffer }).zstdCompressSync;
    expect(await whole(compress(body), [50])).toEqual(await whole(body, [50]));
  });

  test("what is damaged is poison, after what came before it", async () => {
    const cut = gzipSync(body).subarray(0, -20);
    await expect(whole(cut, [50])).rejects.toMatchObject({ kind: "poison", code: "s3/damaged" });
  });

  test("reading that fails is no damage", async () => {
    async function* failing() {
      yield* pieces(gzipSync(body).subarray(0, 100), [10]);
      throw new Error("reset");
    }
    await expect(read((await opened(failing())).bytes)).rejects.toThrow("reset");
  });

  test("an empty object has no lines", async () => {
    expect(await whole(Buffer.alloc(0), [])).toEqual([]);
    expect(await whole(gzipSync(""), [5])).toEqual([]);
  });
});
