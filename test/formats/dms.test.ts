import { expect, test } from "vitest";
import * as z from "zod";
import { dms, isChange } from "../../lib/index.ts";
import { validate } from "../../lib/schema.ts";
import { readAll, recorded } from "./change-events.ts";

const row = z.object({ id: z.number(), name: z.string(), age: z.number(), attributes: z.string() });
const people = dms({ row, key: z.object({ id: z.number() }) });

test("a row's life: loaded, inserted, updated, deleted, and its table dropped", () => {
  const events = readAll(people, "dms");
  expect(events.map(({ op }) => op)).toEqual(["read", "insert", "update", "update", "delete", "schema"]);
  expect(events.map(isChange)).toEqual([true, true, true, true, true, false]);
  expect(events[1]).toEqual({
    op: "insert",
    key: { id: 46 },
    after: { id: 46, name: "Jane", age: 31, attributes: '{"baz": "qux"}' },
    at: Date.UTC(2024, 6, 29, 0, 58, 17, 974),
    position: "00000002/7C007178.3.00000002/7C007178#0000000001",
    source: { connector: "dms", schema: "public", table: "foo", transaction: "1139" },
  });
  expect(events[5]).toMatchObject({ detail: { operation: "drop-table" } });
});

test("a load has no commit: its time is that of the message", () => {
  expect(readAll(people, "dms")[0]!.at).toBe(Date.UTC(2024, 6, 29, 0, 57, 35, 691));
});

test("positions sort in the log's order: MySQL's numbers get longer", () => {
  const [, inserted] = recorded("dms") as { metadata: object }[];
  const place = (position: string, record: number) =>
    validate(people, {
      ...inserted,
      metadata: { ...inserted!.metadata, "stream-position": position, "transaction-record-id": record },
    }).position!;
  const at = (file: string, pos: number, record = 1) =>
    place(`mysql-bin-changelog.${file}:${pos}:-1:${pos + 27}:677883278264080:mysql-bin-changelog.${file}:99`, record);
  const positions = [
    at("999999", 5),
    at("1000000", 4),
    at("1000000", 999),
    at("1000000", 1000),
    at("1000000", 1000, 12),
  ];
  expect(positions).toEqual(positions.toSorted());
  expect(new Set(positions).size).toBe(positions.length);
  expect(place("00000002/10000000.3.00000002/10000000", 1)).toBe("00000002/10000000.3.00000002/10000000#0000000001");
});

test("an update of the key names the key that the row had", () => {
  const [, , kept, moved] = readAll(people, "dms");
  expect(moved).toMatchObject({ key: { id: 45 }, keyBefore: { id: 46 } });
  expect(kept).not.toHaveProperty("keyBefore");
});

test("a delete of which the database logs the key alone has no row before", () => {
  const deleted = recorded("dms")[4];
  expect(validate(people, deleted)).toMatchObject({ op: "delete", key: { id: 45 } });
  expect(() => validate(dms({ row, key: z.object({ id: z.number() }), before: "row" }), deleted)).toThrow("data.name");
});

test("an update must tell the row before, where that is declared", () => {
  const whole = dms({ row, key: z.object({ id: z.number() }), before: "row" });
  const [, , , moved] = recorded("dms") as { data: object }[];
  expect(validate(whole, { ...moved, "before-image": { ...moved!.data, id: 46 } })).toMatchObject({
    before: { id: 46 },
  });
  expect(() => validate(whole, moved)).toThrow("before-image.name");
  expect(() => validate(whole, { ...moved, "before-image": undefined })).toThrow("BeforeImageSettings");
});

test.each([
  [null, "metadata"],
  [{ data: {} }, "metadata"],
  [{ data: {}, metadata: {} }, "no time"],
  [{ data: {}, metadata: { timestamp: "2024-07-29T00:30:47Z", operation: "refresh" } }, "no operation"],
])("%j is refused", (event, why) => {
  expect(() => validate(people, event)).toThrow(why);
});
