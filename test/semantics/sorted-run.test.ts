import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { Journal } from "../../lib/state/journal.ts";
import { KeyedTable } from "../../lib/state/keyed-table.ts";
import { RunDelta } from "../../lib/state/run-delta.ts";
import { RUN_LIMITS } from "../../lib/state/run-writer.ts";
import { SortedRun, wrongWithIndex } from "../../lib/state/sorted-run.ts";

const SPACE = 1_000;
const same = (value: unknown) => value;
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
  const delta = table.compact(RUN_LIMITS, same);
  if (!(delta instanceof RunDelta)) throw new Error("It is no run.");
  return delta.run;
}

/** As another process finds it. */
const read = ({ index, bytes }: SortedRun) => new SortedRun(index, bytes, "the run");
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
        const { run } = table.compact({ entries: 1, block }, same) as RunDelta;
        expect(wrongWithIndex(run.index, run.bytes.length)).toBe(undefined);
        const found = read(run);
        for (const key of keys) expect(found.get(0, key)).toBe(`of ${key}`);
        expect([...found.entriesOf(0)].map(([key]) => key)).toEqual([...keys].sort());
        if (!keys.includes(other)) expect(found.get(0, other)).toBe(undefined);
      },
    ),
    { numRuns: 300 },
  );
});
