import { setFlagsFromString } from "node:v8";
import { runInNewContext } from "node:vm";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { keyIn } from "../../lib/state/block.ts";
import { encodeCheckpoint, decodeCheckpoint, sealCheckpoint } from "../../lib/state/checkpoint.ts";
import { CODEC, encodeBody } from "../../lib/state/codec.ts";
import { Journal } from "../../lib/state/journal.ts";
import { KeyedTable } from "../../lib/state/keyed-table.ts";
import { RunDelta } from "../../lib/state/run-delta.ts";
import { oldIndex } from "../../lib/state/old-run-index.ts";
import { decodeIndex, encodeIndex, type RunIndex } from "../../lib/state/run-index.ts";
import { mergedRun, RUN_LIMITS } from "../../lib/state/run-writer.ts";
import { SortedRun } from "../../lib/state/sorted-run.ts";
import { TaskState } from "../../lib/state/task-state.ts";
import { compacted } from "../support/compacted.ts";

const SPACE = 1_000;
const nameOf = (n: number) => `key-${String((n * 7_919) % 1_000_003).padStart(7, "0")}`;

/** A table of so many keys in one window, and another that has half as many. */
function tableOf(keys: number) {
  const journal = new Journal();
  const table = new KeyedTable(journal);
  for (let n = 0; n < keys; n++) table.put(SPACE, nameOf(n), [n, "a value of some length"]);
  for (let n = 0; n < keys / 2; n++) table.put(2 * SPACE, nameOf(n), n);
  table.takeDelta();
  journal.begin();
  return { table, run: runOf(table) };
}

function runOf(table: KeyedTable): SortedRun {
  const delta = compacted(table, RUN_LIMITS);
  if (!(delta instanceof RunDelta)) throw new Error("It is no run.");
  return delta.run;
}

/** As another process finds it. */
const read = ({ index, bytes }: SortedRun) =>
  new SortedRun(decodeIndex(encodeIndex(index), bytes.length), bytes, "the run");

/** The index as the first builds wrote it. */
function oldForm(run: SortedRun): unknown {
  const { spaces, counts, entries, bytes, inflated } = run.index;
  const firstKeys = entries.map((_, block) => keyIn(run.open(block), 0));
  return { spaces, counts, entries, firstKeys, bytes, inflated };
}

const openBlocks = (run: SortedRun) => run.index.entries.filter((_, block) => run.isOpen(block)).length;
const blocksOf = (run: SortedRun) =>
  run.index.entries.map((_, block) => Buffer.from(run.compressed(block)).toString("hex"));

describe("nothing grows with all keys that should grow with touched ones", () => {
  test.each([5_000, 20_000, 80_000])("a process that touches 10 of %s keys inflates 10 blocks at most", (keys) => {
    const run = read(tableOf(keys).run);
    const table = new KeyedTable(new Journal());
    table.apply(new RunDelta(0, run));
    for (let n = 0; n < 10; n++) {
      const key = nameOf(n * 311);
      table.put(SPACE, key, [...(table.get(SPACE, key) as unknown[]), "more"]);
    }
    table.takeDelta();
    expect([table.size, table.least]).toEqual([1.5 * keys, SPACE]);
    expect(openBlocks(run)).toBeLessThanOrEqual(10);
    expect(run.index.entries.length).toBeGreaterThan(10);
  });

  test.each([5_000, 80_000])("a checkpoint after 10 of %s keys were touched makes 10 blocks at most anew", (keys) => {
    const { table, run } = tableOf(keys);
    for (let n = 0; n < 10; n++) table.put(SPACE, nameOf(n * 311), [n, "another value of some size"]);
    table.takeDelta();
    const before = new Set(blocksOf(run));
    // The one in which the first space ends and the second begins is put together anew.
    expect(blocksOf(runOf(table)).filter((block) => !before.has(block)).length).toBeLessThanOrEqual(11);
  });
});

/** What is put in a space. */
interface Put {
  readonly space: number;
  readonly place: number;
  readonly keys: readonly string[];
  readonly values: readonly unknown[];
}

const frozen = (puts: readonly Put[]) => {
  let end = 0;
  return {
    keys: puts.flatMap(({ keys }) => keys),
    values: puts.flatMap(({ values }) => values),
    spaces: puts.map(({ space, place, keys }) => ({ space, place, end: (end += keys.length) })),
  };
};

describe("a run is made in small parts", () => {
  const partsOf = (puts: readonly Put[], run?: SortedRun) => {
    const parts: number[] = [];
    const merging = mergedRun(run, frozen(puts), (value) => value === undefined, RUN_LIMITS);
    for (let { value, done } = merging.next(); ; { value, done } = merging.next()) {
      if (done === true) return { parts, made: value as SortedRun };
      parts.push(value as number);
    }
  };
  const changes = (space: number, place: number, keys: readonly string[]) => ({ space, place, keys, values: keys });
  const named = (prefix: string, count: number) =>
    Array.from({ length: count }, (_, n) => `${prefix}${String(n).padStart(6, "0")}`);
  const before = partsOf([changes(1, -1, [...named("a", 3_000), "z"])]).made;

  test.each([
    ["between two that are there", named("m", 20_000)],
    ["between two that are there, the last of them by far", named("y", 20_000)],
    ["after all that are there", named("zz", 20_000)],
    ["between two that are there, in many spaces", named("m", 3_000), 7],
    ["among those that are there", named("a", 3_000).flatMap((key, n) => named(key, n % 15))],
  ])("keys that come %s", (_, keys, others = 0) => {
    const more = Array.from({ length: others }, (_, n) => changes(n + 2, -1, keys));
    const { parts, made } = partsOf([changes(1, 0, keys), ...more], before);
    expect(made.size).toBe(before.size + keys.length * (1 + others));
    const all = [...named("a", 3_000), "z", ...keys].sort();
    expect([...made.entriesOf(0)].map(([key]) => key)).toEqual(all);
    expect(all.filter((key) => made.get(0, key) !== key)).toEqual([]);
    expect(parts.reduce((sum, part) => sum + part, 0)).toBeGreaterThanOrEqual(3 * keys.length * (1 + others)); // sorted in two goes, and written
    expect(Math.max(...parts)).toBeLessThan(8_192);
  });

  test("bytes in a value are their own, and no part of the block, which they would hold", () => {
    const keys = named("k", 100);
    const values = keys.map((key) => Buffer.from(key));
    const { made } = partsOf([{ space: 1, place: -1, keys, values }]);
    const value = read(made).get(0, keys[7]!) as Uint8Array;
    expect(Buffer.from(value)).toEqual(values[7]);
    expect(value.buffer.byteLength).toBe(value.byteLength);
  });

  test("what is written of it is held as it is compressed alone", () => {
    setFlagsFromString("--expose-gc");
    const collect = runInNewContext("gc") as () => void;
    // What a collection lets go is given back beside it, and known with one of the next.
    const held = () =>
      Math.min(
        ...Array.from({ length: 10 }, () => {
          collect();
          return process.memoryUsage().arrayBuffers;
        }),
      );
    const keys = named("k", 20_000);
    const values = keys.map((key) => key.padEnd(1_000, "-"));
    const all = [{ space: 1, place: -1, keys, values }];
    const merging = mergedRun(undefined, frozen(all), (value) => value === undefined, { ...RUN_LIMITS, open: 0 });
    const before = held();
    for (let work = 0; work < 3 * keys.length;) work += merging.next().value as number;
    expect(held() - before).toBeLessThan(4 * 2 ** 20);
    merging.next(); // what the space takes
    expect((merging.next().value as SortedRun).get(0, keys[1]!)).toBe(values[1]);
  });

  test("a block that many spaces share is inflated once", () => {
    const spaces = Array.from({ length: 2_000 }, (_, n) => n);
    const first = read(partsOf(spaces.map((space) => changes(space, -1, ["key"]))).made);
    let inflated = 0;
    const open = first.open.bind(first);
    first.open = (...args) => {
      inflated++;
      return open(...args);
    };
    const { made } = partsOf(
      spaces.map((space) => changes(space, first.placeOf(space), ["another"])),
      first,
    );
    expect(made.size).toBe(4_000);
    expect(inflated).toBe(first.index.entries.length);
  });
});

test("keys are found, whatever their letters and however long they are", () => {
  const texts = fc.oneof(
    fc.string({ unit: "grapheme", maxLength: 6 }),
    fc.constantFrom("x".repeat(40), "x".repeat(300), "x".repeat(70_000), "\u{10ffff}", "\uffff", "￮", "é"),
  );
  fc.assert(
    fc.property(
      fc.uniqueArray(texts, { minLength: 1, maxLength: 40 }),
      texts,
      fc.integer({ min: 1, max: 200 }),
      (keys, other, block) => {
        const table = new KeyedTable(new Journal());
        for (const key of keys) table.put(1, key, `of ${key}`);
        table.takeDelta();
        const { run } = compacted(table, { entries: 1, block }) as RunDelta;
        const written = Buffer.from(encodeIndex(run.index));
        expect(written.equals(encodeIndex(decodeIndex(written, run.bytes.length)))).toBe(true);
        expect(written.equals(encodeIndex(oldIndex(oldForm(run), run.bytes.length)))).toBe(true);
        const found = read(run);
        for (const key of keys) expect(found.get(0, key)).toBe(`of ${key}`);
        expect([...found.entriesOf(0)].map(([key]) => key)).toEqual([...keys].sort());
        if (!keys.includes(other)) expect(found.get(0, other)).toBe(undefined);
      },
    ),
    { numRuns: 300 },
  );
});

describe("an index", () => {
  const { run } = tableOf(5_000);
  const columns = (changed: Partial<RunIndex>) => () =>
    decodeIndex(encodeIndex({ ...run.index, ...changed }), run.bytes.length);
  const [first = 0, ...others] = run.index.entries;

  test.each([
    ["spaces in another order", { spaces: run.index.spaces.toReversed() }, "out of order"],
    ["a space that is no number", { spaces: [Number.NaN, 2_000] }, "out of order"],
    ["blocks with fewer entries than the spaces", { entries: [first - 1, ...others] }, "do not hold"],
    ["an empty block", { entries: [0, first + others[0]!, ...others.slice(1)] }, "do not hold"],
    ["blocks of another length", { bytes: run.index.bytes.map((length) => length + 1) }, "another length"],
    ["blocks that are nothing inflated", { inflated: run.index.inflated.map(() => 0) }, "another length"],
    ["blocks that fill the memory", { inflated: run.index.inflated.map(() => 2 ** 34) }, "more than"],
    ["more entries than bytes", { inflated: run.index.inflated.map(() => 10) }, "more than"],
    ["keys that end too early", { keys: run.index.keys.subarray(1) }, "no text"],
    ["a key too many", { keys: Buffer.concat([run.index.keys, Buffer.from([0xa1, 0x61])]) }, "more keys"],
  ] satisfies [string, Partial<RunIndex>, string][])("%s: is refused", (_, changed, why) => {
    expect(columns(changed)).toThrow(why);
  });

  test("cut short anywhere: is refused", () => {
    const written = encodeIndex(run.index);
    for (let end = 0; end < written.length; end++)
      expect(() => decodeIndex(written.subarray(0, end), run.bytes.length), String(end)).toThrow("it");
  });
});

test("a checkpoint with an index of the first form is read", () => {
  const { run } = tableOf(5_000);
  const header = new TaskState().header();
  const rest = { floor: 5, dropped: [], removed: [], put: [] };
  const envelope = { key: "checkpoint", build: "b1", epoch: 1, at: 1, written: 1, caughtUp: 1 };
  const head = encodeBody([{}, header, [["table", rest]], [[oldForm(run), run.bytes.length]]]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(head.length);
  const body = Buffer.concat([length, head, run.bytes]);
  const old = decodeCheckpoint("task", sealCheckpoint("task", envelope, body, `${CODEC}+runs`), body);
  const content = { shapes: {}, header, tables: [["table", new RunDelta(5, run)]] } as const;
  const anew = encodeCheckpoint("task", content, envelope);
  const [now, then] = [decodeCheckpoint("task", anew.pointer, anew.body), old].map(({ tables }) => tables[0]![1]);
  expect(anew.pointer.codec).toBe("msgpack+deflate+runs/2"); // a small one is deflated on every Node
  expect(then!.put).toEqual(now!.put);
  expect(then!.put.map(([, keys]) => keys.length)).toEqual([5_000, 2_500]);
});
