import { isDeepStrictEqual } from "node:util";
import fc from "fast-check";
import { Packr } from "msgpackr";
import { describe, expect, test } from "vitest";
import { DynamoChangelog } from "../../lib/dynamodb/changelog.ts";
import { commitItem, pointerValue } from "../../lib/dynamodb/items.ts";
import { MillraceError } from "../../lib/errors.ts";
import { checkBounds, isPlain, MAX_DEPTH } from "../../lib/state/bounds.ts";
import { CODEC, decodeBody, encodeBody } from "../../lib/state/codec.ts";
import { compressed, compressedBlock, decompressed } from "../../lib/state/compression.ts";
import { isSpilled, sealCommit } from "../../lib/state/commit.ts";
import { sealCheckpoint } from "../../lib/state/checkpoint.ts";
import { decodeIndex, encodeIndex } from "../../lib/state/run-index.ts";
import { taskName } from "../../lib/state/task-id.ts";
import { mutatedBytes } from "./support/mutate.ts";
import { FUZZ_TIMEOUT, fuzzRuns, IS_LONG, Outcomes, pool } from "./support/runs.ts";
import { coldTask, copyOf, finish, history, worldOf, type World } from "./support/world.ts";

const packr = new Packr({ useRecords: false, moreTypes: false, int64AsType: "bigint" });
const decode = (raw: Uint8Array) => decodeBody(compressed(raw), CODEC, "The body");
const big = (token: number, length: number) => {
  const header = Buffer.alloc(5);
  header[0] = token;
  header.writeUInt32BE(length, 1);
  return header;
};

const inflated = (body: Uint8Array): Uint8Array => decompressed(body, 2 ** 28);

/** Byte arrays of one class. */
const plain = (value: unknown): unknown =>
  value instanceof Uint8Array ? Buffer.from(value) : Array.isArray(value) ? value.map(plain) : value;

describe("whatever bytes say, they are refused before they cost anything", () => {
  test.each([
    ["arrays in arrays", Buffer.concat([Buffer.alloc(1_000_000, 0x91), Buffer.from([1])])],
    ["objects in objects", Buffer.from("81a161".repeat(200_000) + "01", "hex")],
    ["an array of four thousand million", big(0xdd, 0xffff_ffff)],
    ["an array longer than its bytes", Buffer.concat([big(0xdd, 1_000_000), Buffer.alloc(999_999)])],
    ["an object longer than its bytes", Buffer.concat([big(0xdf, 0x7fff_ffff), Buffer.alloc(100, 0xa0)])],
    ["arrays that are each as long as what is left", Buffer.concat(Array.from({ length: 90 }, () => big(0xdd, 1_000)))],
    ["a text longer than its bytes", big(0xdb, 0xffff_ffff)],
    ["bytes longer than they are", big(0xc6, 0xffff_ffff)],
    ["a key __proto__", Buffer.from("81a95f5f70726f746f5f5f81a3666f6f01", "hex")],
    ["a key __proto__ in a long text's form", Buffer.from("81d9095f5f70726f746f5f5f01", "hex")],
    ["a key that is a number", Buffer.from("810101", "hex")],
    ["an extension: an error", Buffer.from("d4650093a1e5a16d01", "hex")],
    ["an extension: a record's definition", Buffer.from("d4724091a16101", "hex")],
    ["an extension: a set", Buffer.from("c700739101", "hex")],
    ["an extension: a reference", Buffer.from("d6700000000a", "hex")],
    ["a token that is never used", Buffer.from([0xc1])],
    ["nothing", Buffer.alloc(0)],
    ["two values", Buffer.from([1, 2])],
    ["a number cut short", Buffer.from([0xcb, 1, 2])],
  ])("%s", (_what, raw) => {
    expect(() => decode(raw)).toThrow(MillraceError);
    expect(({} as { foo?: unknown }).foo).toBeUndefined();
  });

  test("what state may hold passes, and comes back as it was", () => {
    let deep: unknown = 1;
    for (let i = 0; i < MAX_DEPTH - 2; i++) deep = i % 2 === 0 ? [deep] : { deep };
    const value = {
      numbers: [0, -1, 127, 128, -33, 65_536, 2 ** 40, -(2 ** 40), 1.5, Infinity, -Infinity, NaN],
      bigints: [0n, 5n, -5n, 2n ** 63n - 1n, -(2n ** 63n)],
      others: [null, undefined, true, false, new Date(0), new Date(1.7e12), new Date(-5), new Date(1.7e12 + 1)],
      texts: ["", "a", "ä€😀", "x".repeat(40), "y".repeat(300), "z".repeat(70_000)],
      bytes: [new Uint8Array(0), new Uint8Array(300), new Uint8Array(70_000)],
      many: Array.from({ length: 70_000 }, (_, i) => i),
      record: Object.fromEntries(Array.from({ length: 70_000 }, (_, i) => [`k${i}`, i])),
      deep,
    };
    for (const [name, one] of Object.entries(value)) {
      // Not -0, which no sum or count can tell from 0.
      expect(isDeepStrictEqual(plain(decodeBody(encodeBody(one), CODEC, "The body")), plain(one)), name).toBe(true);
    }
  });

  test.runIf(IS_LONG).each([
    ["more values than memory holds", 0xdd, 40_000_000],
    ["more bytes than memory holds", 0xc6, 300_000_000],
  ])("%s", (_what, token, length) => {
    const body = compressed(Buffer.concat([big(token, length), Buffer.alloc(length)]));
    expect(body.length).toBeLessThan(400_000); // an item holds it
    expect(() => decodeBody(body, CODEC, "The body")).toThrow(MillraceError);
  });

  test.runIf(IS_LONG)("a state that could not be read again is not written", () => {
    expect(() => encodeBody(new Array(20_000_000).fill(1))).toThrow("A task's state or commit cannot be written");
  });
});

test("what is plain passes: no depth, length or token makes it so that is out of bounds", () => {
  const tokens = fc.oneof(fc.nat(255), fc.constantFrom(0x90, 0x91, 0x92, 0xa1, 0xcb, 0x01));
  const bytes = fc.array(tokens, { maxLength: 120 }).map((all) => Uint8Array.from(all));
  let plain = 0;
  const passes = (of: Uint8Array) => {
    if (!isPlain(of, 0, of.length)) return;
    plain++;
    expect(() => checkBounds(of)).not.toThrow();
  };
  fc.assert(fc.property(bytes, passes), { numRuns: 20_000 });
  for (let depth = 1; depth < 120; depth++) passes(Uint8Array.from([...Array<number>(depth).fill(0x91), 1]));
  expect(plain).toBeGreaterThan(200);
});

test(
  "any bytes decode to plain data, or are refused",
  () => {
    const outcomes = new Outcomes("bytes");
    const run = (value: unknown, changes: readonly (readonly [number, number, number])[], tail: Uint8Array) => {
      let raw: Uint8Array = Buffer.concat([packr.pack(value), tail]);
      for (const [where, how, value] of changes) raw = mutatedBytes(raw, { where, how, value });
      if (isPlain(raw, 0, raw.length)) expect(() => checkBounds(raw)).not.toThrow();
      try {
        decode(raw);
        outcomes.count("decoded");
      } catch (thrown) {
        if (!(thrown instanceof MillraceError)) throw thrown;
        outcomes.count(thrown.code);
      }
      expect(Object.keys(Object.prototype)).toEqual([]);
    };
    const values = fc.object({ withBigInt: false, withDate: true, withNullPrototype: false, maxDepth: 4 });
    const changes = fc.array(fc.tuple(fc.nat(), fc.nat(), fc.nat()), { maxLength: 3 });
    fc.assert(fc.property(values, changes, fc.uint8Array({ maxLength: 2 }), run), fuzzRuns(800));
  },
  FUZZ_TIMEOUT,
);

/** Changes a decoded value somewhere. */
function changed(value: unknown, where: number, other: unknown): unknown {
  if (where % 5 === 0 || typeof value !== "object" || value === null || value instanceof Uint8Array) return other;
  const copy = (Array.isArray(value) ? [...(value as unknown[])] : { ...value }) as Record<string, unknown>;
  const keys = Object.keys(copy);
  const key = keys[where % Math.max(1, keys.length)];
  if (key === undefined) return other;
  copy[key] = changed(copy[key], Math.floor(where / 3), other);
  return copy;
}

/** A checkpoint that has sorted runs, with another head, or another block in one of them. */
function runsAnew(body: Uint8Array, which: number, change: (raw: Uint8Array) => Uint8Array): Uint8Array {
  const end = 4 + Buffer.from(body).readUInt32BE(0);
  let head = inflated(body.subarray(4, end));
  const blocks: Uint8Array[] = [];
  const content = packr.unpack(head) as [unknown, unknown, unknown, ([Uint8Array, number] | null)[]];
  let at = end;
  for (const run of content[3])
    for (const length of run === null ? [] : decodeIndex(...run).bytes) blocks.push(body.subarray(at, (at += length)));
  if (which % 2 === 0) head = change(head);
  else {
    let n = Math.floor(which / 6) % blocks.length;
    const raw = change(inflated(blocks[n]!));
    const block = compressedBlock(raw);
    blocks[n] = block;
    for (const run of content[3]) {
      if (run === null) continue;
      const index = decodeIndex(...run);
      const [bytes, inflated] = [[...index.bytes], [...index.inflated]];
      if (n >= 0 && n < bytes.length) {
        run[1] += block.length - bytes[n]!;
        bytes[n] = block.length;
        inflated[n] = raw.length;
      }
      n -= bytes.length;
      run[0] = encodeIndex({ ...index, bytes, inflated });
    }
    head = packr.pack(content);
  }
  const anew = compressed(head);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(anew.length);
  return Buffer.concat([length, anew, ...blocks]);
}

/** Puts another content in the place of a commit's or a checkpoint's, under a checksum that holds. */
async function rewrite(world: World, which: number, change: (raw: Uint8Array) => Uint8Array): Promise<void> {
  const { rig, table } = world;
  const name = taskName(rig.idOf());
  const { objects } = rig.objects;
  const changelog = new DynamoChangelog(table.client, "changelog");
  const { item, commits } = await changelog.newest(name, { from: 0 });
  const anew = (body: Uint8Array) => compressed(change(inflated(body)));
  const pointer = item.checkpoint;
  if (which % 3 === 0 && pointer !== undefined) {
    const before = objects.get(pointer.key)!;
    const body = pointer.codec.includes("+runs") ? runsAnew(before, which, change) : anew(before);
    objects.set(pointer.key, body);
    const taskItem = [...table.items.values()].find((one) => one["c"] !== undefined)!;
    taskItem["c"] = pointerValue(sealCheckpoint(name, pointer, body, pointer.codec));
    return;
  }
  const stored = commits[which % Math.max(1, commits.length)];
  if (stored === undefined) return;
  const body = anew(isSpilled(stored.body) ? objects.get(stored.body.key)! : stored.body);
  if (isSpilled(stored.body)) objects.set(stored.body.key, body);
  const place = isSpilled(stored.body) ? { ...stored.body, bytes: body.length } : body;
  table.items.set(`${name} ${stored.epoch}`, commitItem(name, sealCommit(name, { ...stored, body: place }, body)));
}

test(
  "what a build wrote wrongly, under a checksum that holds, stops the task or is state of the right shape",
  async () => {
    const outcomes = new Outcomes("contents");
    const worlds = await Promise.all(pool(history, 20).map(worldOf));
    const bytes = fc.tuple(fc.nat(), fc.nat(), fc.nat()).map(
      ([where, how, value]) =>
        (raw: Uint8Array) =>
          mutatedBytes(raw, { where, how, value }),
    );
    const others = fc.oneof(
      fc.constantFrom<unknown>(undefined, null, -1, 0.5, NaN, -Infinity, "", "x", true, [], {}, [[]], 5n, new Date(0)),
      fc.anything({ maxDepth: 2 }),
    );
    const parts = fc.tuple(fc.nat(), others).map(
      ([where, other]) =>
        (raw: Uint8Array) =>
          packr.pack(changed(packr.unpack(raw), where, other)),
    );
    const run = async (which: number, place: number, change: (raw: Uint8Array) => Uint8Array) => {
      const world = copyOf(worlds[which]!);
      await rewrite(world, place, change);
      try {
        await finish(world, coldTask(world));
        outcomes.count("went on");
      } catch (thrown) {
        if (!(thrown instanceof MillraceError)) throw thrown;
        outcomes.count(thrown.code);
      }
    };
    const property = fc.asyncProperty(fc.nat(worlds.length - 1), fc.nat(), fc.oneof(bytes, parts), run);
    await fc.assert(property, fuzzRuns(100));
  },
  FUZZ_TIMEOUT,
);
