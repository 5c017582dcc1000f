import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { hashOf, hashRange, isWithin, WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { floorOf, heirOf, inherit, type Heir, type Legacy } from "../../lib/state/inheritance.ts";
import { TaskState } from "../../lib/state/task-state.ts";

const hash = fc.string().map(hashOf);
const digits = (value: bigint) => value.toString(16).padStart(32, "0");
const MOST = 2n ** 128n - 1n;

/** Ranges that cover everything, in any order. */
const heirs = fc
  .uniqueArray(fc.bigInt({ min: 1n, max: MOST }), { maxLength: 5 })
  .map((cuts) => [0n, ...cuts.toSorted((a, b) => (a < b ? -1 : 1))])
  .chain((starts) =>
    fc.shuffledSubarray(
      starts.map((from, i): Heir => ({
        partition: `p${i}`,
        from: digits(from),
        to: digits(i + 1 < starts.length ? starts[i + 1]! - 1n : MOST),
      })),
      { minLength: starts.length, maxLength: starts.length },
    ),
  );

describe("ranges", () => {
  test("a key's heir is the one whose range holds its hash", () => {
    fc.assert(
      fc.property(heirs, hash, (all, key) => {
        expect(isWithin(heirOf(all, key), key)).toBe(true);
      }),
    );
  });

  test("a key outside of all ranges has an heir too: nothing is lost", () => {
    const all = [{ partition: "p", from: digits(5n), to: digits(9n) }];
    expect(heirOf(all, digits(1n)).partition).toBe("p");
    expect(heirOf(all, digits(10n)).partition).toBe("p");
  });

  test("Kinesis' decimal numbers compare as texts of hexadecimal digits", () => {
    const half = 2n ** 127n;
    expect(hashRange("0", String(MOST))).toEqual(WHOLE_RANGE);
    expect(hashRange(String(half), String(MOST))).toEqual({ from: `8${"0".repeat(31)}`, to: "f".repeat(32) });
  });

  test("the hash is the one by which Kinesis chooses a shard", () => {
    // The example of RFC 1321.
    expect(hashOf("message digest")).toBe("f96b697d7cb7938d525a2f31aaf161d0");
  });
});

/** A task's legacy: so many keys in a window, so far. */
function legacy(
  keys: readonly string[],
  sealed: readonly Heir[],
  { watermark = 100, recordWatermark = 100, arrival = 1_000, range = WHOLE_RANGE, floor = 0 } = {},
): Legacy {
  const state = new TaskState();
  Object.assign(state, { watermark, recordWatermark, arrival, range, sealed });
  const table = state.table("w");
  table.put(floor, "dropped", 1);
  table.drop(floor);
  for (const key of keys) table.put(200, key, key);
  return { epoch: 3, header: state.header(), tables: state.snapshot() };
}

const begin = (partition: Heir, legacies: readonly Legacy[], idle = Number.POSITIVE_INFINITY) => {
  const { header, tables } = inherit(
    { partition: partition.partition, range: partition },
    legacies,
    (_operator, key) => hashOf(key),
    new Set(),
    idle,
  );
  const state = new TaskState();
  state.apply(header, tables, true);
  return state;
};

describe("a split", () => {
  test("every key goes to one heir, and none is lost", () => {
    fc.assert(
      fc.property(heirs, fc.uniqueArray(fc.string(), { maxLength: 50 }), (all, keys) => {
        const left = legacy(keys, all);
        const inherited = all.flatMap((heir) => [...begin(heir, [left]).table("w").entriesOf(200).keys()]);
        expect(inherited.toSorted()).toEqual(keys.toSorted());
      }),
    );
  });

  test("an heir is as far as its parent, and reads from the beginning", () => {
    const heir = { partition: "p", ...WHOLE_RANGE };
    const state = begin(heir, [legacy(["a"], [heir], { watermark: 123, recordWatermark: 120, floor: 7 })]);
    expect(state).toMatchObject({ watermark: 123, recordWatermark: 120, arrival: 1_000, floors: [], tick: undefined });
    expect(state.position.sequence).toBe("");
    expect(state.table("w").floor).toBe(7);
  });
});

test("heirs that all have the whole range, as those of a table's stream: each key goes to one of them, and all are as far", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 5 }), fc.uniqueArray(fc.string({ minLength: 1 })), (count, keys) => {
      const all = Array.from({ length: count }, (_, i): Heir => ({ partition: `p${i}`, ...WHOLE_RANGE }));
      const parent = legacy(keys, all, { watermark: 70, recordWatermark: 70 });
      const begun = all.map((heir) => begin(heir, [parent]));
      const taken = begun.flatMap((state) => keys.filter((key) => state.table("w").get(200, key) !== undefined));
      expect(taken.toSorted()).toEqual(keys.toSorted());
      expect(begun.every(({ watermark }) => watermark === 70)).toBe(true);
    }),
  );
});

describe("a merge", () => {
  const heir = { partition: "m", ...WHOLE_RANGE };
  const half = 2n ** 127n;
  const low = { from: digits(0n), to: digits(half - 1n) };
  const high = { from: digits(half), to: digits(MOST) };

  test("it is as far as the parent that is behind, and each range's floor is its own", () => {
    const state = begin(heir, [
      legacy(["a"], [heir], { watermark: 100, range: low, floor: 50 }),
      legacy(["b"], [heir], { watermark: 300, range: high, floor: 150 }),
    ]);
    expect(state.watermark).toBe(100);
    expect(state.table("w").floor).toBe(50);
    expect(floorOf(state.floors, low.from, "w")).toEqual({ watermark: 100, space: 50 });
    expect(floorOf(state.floors, high.to, "w")).toEqual({ watermark: 300, space: 150 });
    expect([...state.table("w").entriesOf(200).keys()].toSorted()).toEqual(["a", "b"]);
  });

  test("a parent that never had a record holds nothing back", () => {
    const state = begin(heir, [
      { epoch: 1, header: { ...new TaskState().header(), range: low, sealed: [heir] }, tables: [] },
      legacy(["b"], [heir], { watermark: 300, range: high, floor: 150 }),
    ]);
    expect(state).toMatchObject({ watermark: 300, recordWatermark: 100 });
    expect(state.table("w").floor).toBe(150);
  });

  test("X12: a parent that was silent for long does not hold back event time after the merge", () => {
    const idle = 60_000;
    const hour = 3_600_000;
    const state = begin(
      heir,
      [
        legacy([], [heir], { watermark: hour, recordWatermark: 0, arrival: 0, range: low }),
        legacy([], [heir], { watermark: hour + 5, recordWatermark: hour + 5, arrival: hour, range: high }),
      ],
      idle,
    );
    // Silence counts from the last arrival of either: an hour of it is in the first one's watermark already.
    expect(state).toMatchObject({ arrival: hour, recordWatermark: hour });
  });

  test("floors are forgotten once the task has come as far, and never while something below is open", () => {
    const state = begin(heir, [
      legacy(["a"], [heir], { watermark: 100, range: low, floor: 50 }),
      legacy(["b"], [heir], { watermark: 300, range: high, floor: 250 }),
    ]);
    state.watermark = 299;
    state.forgetFloors();
    expect(floorOf(state.floors, high.to, "w").watermark).toBe(300);
    state.watermark = 300;
    state.forgetFloors(); // the space 200 is open, below the floor of 250
    expect(floorOf(state.floors, high.to, "w").space).toBe(250);
    state.table("w").drop(200);
    state.forgetFloors();
    expect(state.floors).toEqual([]);
    expect(state.table("w").floor).toBe(250);
  });
});
