import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { decodeCheckpoint, encodeCheckpoint } from "../../lib/state/checkpoint.ts";
import { decodeBody, encodeBody, CODEC } from "../../lib/state/codec.ts";
import { Journal } from "../../lib/state/journal.ts";
import { KeyedTable, type TableDelta } from "../../lib/state/keyed-table.ts";
import { RunDelta } from "../../lib/state/run-delta.ts";
import { sizeOfDelta } from "../../lib/state/table-delta.ts";
import type { TableMerge } from "../../lib/state/table-merge.ts";
import { TaskState } from "../../lib/state/task-state.ts";
import { compacted } from "../support/compacted.ts";

const space = fc.integer({ min: -3, max: 6 });
const KEYS = ["a", "b", "", "__proto__", "ab", "é", "\u{1d11e}", "\uffee"];
const key = fc.constantFrom(...KEYS);
const change = fc.oneof(
  { weight: 4, arbitrary: fc.record({ kind: fc.constant("put"), space, key, value: fc.nat(9) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("remove"), space, key }) },
);
type Change =
  { kind: "put"; space: number; key: string; value: number } | { kind: "remove"; space: number; key: string };
/** Units that are kept or undone, spaces dropped between them, and commits. */
const step = fc.oneof(
  { weight: 6, arbitrary: fc.record({ kind: fc.constant("unit"), changes: fc.array(change), isUndone: fc.boolean() }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("drop"), space }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("take"), space }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("commit") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("ask") }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("compact"), block: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant("begin"), block: fc.integer({ min: 1, max: 40 }) }) },
  { weight: 3, arbitrary: fc.record({ kind: fc.constant("part"), work: fc.constantFrom(1, 5, 100) }) },
  { weight: 1, arbitrary: fc.record({ kind: fc.constant("read"), space }) },
);
type Step =
  | { kind: "unit"; changes: readonly Change[]; isUndone: boolean }
  | { kind: "drop" | "take"; space: number }
  | { kind: "commit" }
  | { kind: "ask" }
  | { kind: "compact" | "begin"; block: number }
  | { kind: "part"; work: number }
  | { kind: "read"; space: number };
const steps = fc.array(step, { maxLength: 40 }) as fc.Arbitrary<Step[]>;

/** A table that has a run has its next one made, while it, and another by its commits, goes on. */
const merged = fc
  .tuple(steps, fc.integer({ min: 1, max: 40 }), steps, steps)
  .map(([before, block, during, after]): Step[] => {
    const goesOn = during.filter(({ kind }) => kind !== "compact" && kind !== "begin");
    const commit = { kind: "commit" } as const;
    const part = { kind: "part", work: 1_000 } as const;
    return [...before, { kind: "compact", block }, { kind: "begin", block }, ...goesOn, commit, part, ...after];
  });

/** (space, key) → value, as one would write it down. */
type Model = Map<string, number>;
const at = (where: { space: number; key: string }) => JSON.stringify([where.space, where.key]);
const placeOf = (name: string) => JSON.parse(name) as [number, string];

function changeModel(model: Model, one: Change): void {
  if (one.kind === "put") model.set(at(one), one.value);
  else model.delete(at(one));
}

function changeTable(table: KeyedTable, one: Change): void {
  if (one.kind === "put") table.put(one.space, one.key, one.value);
  else table.remove(one.space, one.key);
}

const contentOf = ({ put }: TableDelta): Model =>
  new Map(
    put.flatMap(([in_, keys, values]) => keys.map((each, i) => [at({ space: in_, key: each }), values[i] as number])),
  );

/** As it comes back out of storage. */
const stored = (delta: TableDelta): TableDelta => decodeBody(encodeBody(delta), CODEC, "the delta") as TableDelta;

/** A large table's entries as they come back out of a checkpoint. */
function storedRun(delta: TableDelta): TableDelta {
  if (!(delta instanceof RunDelta)) return stored(delta);
  const content = { shapes: {}, header: new TaskState().header(), tables: [["t", delta]] as const };
  const envelope = { key: "k", build: "b", epoch: 1, at: 0, written: 0, caughtUp: 0 };
  const { body, pointer } = encodeCheckpoint("task", content, envelope);
  return decodeCheckpoint("task", pointer, body).tables[0]![1];
}

/** @param asksByKey whether keys are looked for in all spaces: from then on a table is no run any more */
function check(table: KeyedTable, model: Model, asksByKey = true): void {
  expect(contentOf(table.snapshot())).toEqual(model);
  expect(table.size).toBe(model.size);
  const places = [...model.keys()].map(placeOf);
  expect(table.least).toBe(Math.min(Number.POSITIVE_INFINITY, ...places.map(([in_]) => in_)));
  expect([...table.spaces()].sort((a, b) => a - b)).toEqual(
    [...new Set(places.map(([in_]) => in_))].sort((a, b) => a - b),
  );
  for (const [in_, each] of places) expect(table.get(in_, each)).toBe(model.get(at({ space: in_, key: each })));
  for (const each of asksByKey ? KEYS : []) {
    const spaces = places.filter(([, of]) => of === each).map(([in_]) => in_);
    expect([...table.spacesOf(each)]).toEqual(spaces.toSorted((a, b) => a - b));
  }
}

describe("state rebuilt from deltas equals the state", () => {
  test("whatever is put, removed, dropped and undone, and wherever commits cut", () => {
    fc.assert(
      fc.property(fc.oneof(steps, merged), (all) => {
        const journal = new Journal();
        const table = new KeyedTable(journal);
        let replica = new KeyedTable(new Journal());
        let model: Model = new Map();
        let committed: Model = new Map();
        let begun: (TableMerge | undefined)[] = [];
        let then: Model = new Map();
        const commit = () => {
          const before = new Map(committed);
          const delta = stored(table.takeDelta());
          const count = (parts: readonly (readonly [number, readonly string[], ...unknown[]])[]) =>
            parts.reduce((sum, [, keys]) => sum + keys.length, 0);
          expect(sizeOfDelta(delta)).toBe(delta.dropped.length + count(delta.removed) + count(delta.put));
          // What it says is gone was there: put and removed between two commits leaves no trace.
          for (const [in_, keys] of delta.removed) {
            for (const each of keys) expect(before.has(at({ space: in_, key: each }))).toBe(true);
          }
          const most = replica.loose + count(delta.put) + count(delta.removed) + replica.size;
          replica.apply(delta);
          expect(replica.loose).toBeGreaterThanOrEqual(0);
          expect(replica.loose).toBeLessThanOrEqual(most);
          expect(replica.inRun).toBeLessThanOrEqual(replica.size);
          committed = new Map(model);
          check(replica, committed, false);
          expect(replica.floor).toBe(table.floor);
        };
        for (const one of all) {
          switch (one.kind) {
            case "unit": {
              journal.begin();
              const before = new Map(model);
              for (const each of one.changes) {
                changeModel(model, each);
                changeTable(table, each);
              }
              if (!one.isUndone) break;
              journal.undo();
              model = before;
              break;
            }
            case "drop":
            case "take": {
              const entries = [...model].filter(([name]) => placeOf(name)[0] === one.space);
              const ofKeys = entries.map(([name, value]) => [placeOf(name)[1], value] as const);
              if (one.kind === "drop") table.drop(one.space);
              else expect([...table.take(one.space)]).toEqual(ofKeys.sort(([a], [b]) => (a < b ? -1 : 1)));
              for (const [name] of entries) model.delete(name);
              break;
            }
            case "commit":
              commit();
              break;
            case "ask":
              check(table, model, false);
              break;
            case "read": {
              const entries = [...model].filter(([name]) => placeOf(name)[0] === one.space);
              expect(new Map(table.entriesOf(one.space))).toEqual(
                new Map(entries.map(([name, value]) => [placeOf(name)[1], value])),
              );
              break;
            }
            case "begin": {
              commit();
              // Of the one that goes on by itself, and of the one that follows its commits.
              begun = [table, replica].map((of) => of.beginMerge({ entries: 1, block: one.block }, (value) => value));
              then = new Map(model);
              break;
            }
            case "part": {
              for (const [i, merge] of begun.entries()) {
                if (merge === undefined) continue;
                merge.step(one.work);
                if (merge.made === undefined) continue;
                begun[i] = undefined;
                [table, replica][i]!.adopt(merge);
                expect(contentOf(storedRun(new RunDelta(0, merge.made)))).toEqual(then);
                check(table, model, false);
                check(replica, committed, false);
                expect(replica.loose).toBeLessThanOrEqual(2 * (replica.size + then.size));
              }
              break;
            }
            case "compact": {
              begun = [];
              commit();
              const whole = storedRun(compacted(table, { entries: 1, block: one.block }));
              expect(contentOf(whole)).toEqual(model);
              replica = new KeyedTable(new Journal());
              replica.apply(whole);
              check(table, model, false);
              check(replica, model, false);
              expect([table.loose, replica.loose]).toEqual([0, 0]);
              expect([table.inRun, replica.inRun]).toEqual([model.size, model.size]);
              break;
            }
          }
        }
        check(table, model);
        commit();
        const loaded = new KeyedTable(new Journal());
        loaded.apply(stored(table.snapshot()));
        check(loaded, model);
        expect(loaded.floor).toBe(table.floor);
      }),
      { numRuns: 2_000 },
    );
  });

  test("X9: an entry that lives between two commits alone leaves nothing in a delta", () => {
    const table = new KeyedTable(new Journal());
    table.put(1, "a", 1);
    table.remove(1, "a");
    const delta = table.takeDelta();
    expect(delta).toMatchObject({ removed: [], put: [] });
    expect(sizeOfDelta(delta)).toBe(0);
  });

  test("what is removed and put again is put, and not removed", () => {
    const table = new KeyedTable(new Journal());
    table.put(1, "a", 1);
    table.takeDelta();
    table.remove(1, "a");
    table.put(1, "a", 2);
    expect(table.takeDelta()).toMatchObject({ removed: [], put: [[1, ["a"], [2]]] });
    table.remove(1, "a");
    expect(table.takeDelta()).toMatchObject({ dropped: [1], removed: [], put: [] });
  });

  test("a space that has nothing left is told as one, however many keys went, and may have others again", () => {
    const table = new KeyedTable(new Journal());
    const keys = Array.from({ length: 100 }, (_, n) => `key ${n}`);
    for (const space of [1, 2]) for (const each of keys) table.put(space, each, space);
    const replica = new KeyedTable(new Journal());
    replica.apply(stored(table.takeDelta()));
    for (const each of keys) table.remove(1, each);
    for (const each of keys.slice(1)) table.remove(2, each);
    const delta = table.takeDelta();
    expect(delta).toMatchObject({
      floor: Number.NEGATIVE_INFINITY,
      dropped: [1],
      removed: [[2, keys.slice(1)]],
      put: [],
    });
    replica.apply(stored(delta));
    expect([replica.size, replica.floor, [...replica.spaces()]]).toEqual([1, Number.NEGATIVE_INFINITY, [2]]);
    for (const each of keys) table.remove(1, each);
    table.put(1, keys[0]!, "again");
    replica.apply(stored(table.takeDelta()));
    expect(replica.get(1, keys[0]!)).toBe("again");
  });
});

describe("a run that is made in parts", () => {
  const limits = { entries: 1, block: 16 };
  const begun = () => {
    const table = new KeyedTable(new Journal());
    for (const each of KEYS) table.put(1, each, 1);
    table.takeDelta();
    return { table, merge: table.beginMerge(limits, (value) => value)! };
  };
  const end = (merge: TableMerge) => {
    merge.step(Number.POSITIVE_INFINITY);
    return contentOf(new RunDelta(0, merge.made!));
  };
  const ones: Model = new Map(KEYS.map((each) => [at({ space: 1, key: each }), 1]));

  test("has what was there when it was begun, though the table is asked by key meanwhile, and is no run any more", () => {
    const { table, merge } = begun();
    expect([...table.spacesOf("a")]).toEqual([1]);
    table.put(1, "a", 2);
    table.put(2, "a", 3);
    expect(end(merge)).toEqual(ones);
    table.adopt(merge);
    expect([table.inRun, table.loose]).toEqual([0, 0]);
    check(table, new Map([...ones, [at({ space: 1, key: "a" }), 2], [at({ space: 2, key: "a" }), 3]]));
  });

  test("is of no use to the table once another is begun, or the table is another's", () => {
    const { table, merge } = begun();
    table.put(1, "a", 2);
    table.takeDelta();
    const later = table.beginMerge(limits, (value) => value)!;
    table.put(1, "b", 2);
    table.takeDelta();
    expect(end(merge)).toEqual(ones);
    table.adopt(merge);
    expect(table.inRun).toBe(0);
    table.clear();
    end(later);
    table.adopt(later);
    check(table, new Map());
  });
});

test("the least of many spaces that come and go is found without looking at all of them", () => {
  const table = new KeyedTable(new Journal());
  // Sessions that grow: each record moves its key's entry on; the least one is always the one that moves next.
  const keys = 20_000;
  for (let i = 0; i < keys; i++) table.put(i, `k${i}`, 1);
  const began = process.cpuUsage();
  for (let i = 0; i < 5 * keys; i++) {
    expect(table.least === i).toBe(true);
    table.remove(i, `k${i % keys}`);
    table.put(i + keys, `k${i % keys}`, 1);
  }
  // Looking at all of them would take 2 * 10^9 steps.
  expect(process.cpuUsage(began).user / 1_000).toBeLessThan(5_000);
});
