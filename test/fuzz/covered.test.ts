import { expect, test } from "vitest";
import type { Item } from "../../lib/dynamodb/attributes.ts";
import {
  checkOf,
  commitItem,
  commitOf,
  keyOf,
  lineageValue,
  pointerValue,
  TASK_ITEM_EPOCH,
  taskItemOf,
} from "../../lib/dynamodb/items.ts";
import { decodeCheckpoint, encodeCheckpoint } from "../../lib/state/checkpoint.ts";
import { decodeCommit, encodeCommit, sealCommit, type StoredCommit } from "../../lib/state/commit.ts";
import { WHOLE_RANGE } from "../../lib/state/hash-range.ts";
import { TaskState } from "../../lib/state/task-state.ts";

const TASK = "p:0:s:s.0:shardId-000000000000";
const header = new TaskState().header();
const { body, sinks } = encodeCommit({ shapes: {}, header, tables: [], outputs: [{ sink: "rows", body: "{}" }] });
const base = { epoch: 5, at: 3, written: 2, caughtUp: 1 };
const totals = { written: 9, caughtUp: 8 };
const envelope = { epoch: 7, nonce: "n", build: "b", sinks, totals, base, expires: 1e12, body };
const commit = sealCommit(TASK, envelope, body);

test("a commit decodes as it was put, and under no other task's name", () => {
  expect(decodeCommit(commit, body, TASK)).toMatchObject({ outputs: [{ sink: "rows", body: "{}" }] });
  expect(() => decodeCommit(commit, body, `${TASK}1`)).toThrow("its checksum does not match");
});

test.each<[string, Partial<StoredCommit>]>([
  ["epoch", { epoch: 8 }],
  ["nonce", { nonce: "m" }],
  ["version", { version: 1 }],
  ["codec", { codec: "other" }],
  ["checksum", { checksum: "0" }],
  ["build", { build: "c" }],
  ["sinks", { sinks: [] }],
  ["totals", { totals: { written: 8, caughtUp: 9 } }],
  ["base: none", { base: undefined }],
  ["base: itself", { base: { ...base, epoch: 7 } }],
  ["base: another time", { base: { ...base, at: 4 } }],
  ["base: other totals", { base: { ...base, written: 1, caughtUp: 2 } }],
  ["body's length", { body: { key: "spills/x", bytes: 1 } }],
])("a commit whose %s was changed is refused", (_field, change) => {
  expect(() => decodeCommit({ ...commit, ...change }, body, TASK)).toThrow(
    `Commit ${change.epoch ?? 7} of task ${TASK}`,
  );
});

test("the checksum covers every field but the expiry, which no reader reads", () => {
  expect(decodeCommit({ ...commit, expires: 0 }, body, TASK)).toBeDefined();
  expect(Object.keys(commit).sort()).toEqual([
    "base",
    "body",
    "build",
    "checksum",
    "codec",
    "epoch",
    "expires",
    "nonce",
    "sinks",
    "totals",
    "version",
  ]);
});

test("a checkpoint is refused when anything of its pointer was changed", () => {
  const of = { key: "checkpoints/x/7-n", build: "b", epoch: 7, at: 3, written: 2, caughtUp: 1 };
  const { body: object, pointer } = encodeCheckpoint(TASK, { shapes: {}, header, tables: [] }, of);
  expect(decodeCheckpoint(TASK, pointer, object)).toMatchObject({ shapes: {} });
  expect(() => decodeCheckpoint(`${TASK}1`, pointer, object)).toThrow("is damaged");
  for (const [name, value] of Object.entries(pointer)) {
    const other: unknown = typeof value === "number" ? value + 1 : `${value}x`;
    expect(() => decodeCheckpoint(TASK, { ...pointer, [name]: other }, object), name).toThrow(/Checkpoint checkpoints/);
  }
});

const item = commitItem(TASK, commit);

test.each<[string, Item]>([
  ["n", { n: { N: "1" } }],
  ["v", { v: { N: "-1" } }],
  ["v", { v: { N: "abc" } }],
  ["t", { t: { L: [{ N: "1" }] } }],
  ["t", { t: { L: [{ N: "1" }, { S: "1" }] } }],
  ["b", { b: { L: [] } }],
  ["b", { b: { L: [8, 1, 1, 1].map((n) => ({ N: String(n) })) } }],
  ["b", { b: { L: ["1e125", 1, 1, 1].map((n) => ({ N: String(n) })) } }],
  ["o", { o: { L: [{ N: "1" }] } }],
  ["x", { x: { N: "" } }],
  ["d", { d: { S: "text" } }],
  ["s", { s: { L: [{ S: "key" }] } }],
])('an item whose attribute "%s" is damaged is given with what is wrong: %j', (name, change) => {
  const { epoch, damage } = commitOf(TASK, { ...item, ...change });
  expect(epoch).toBe(7);
  expect(damage).toMatchObject({ kind: "systemic", code: "state/corrupt" });
  expect(damage!.message).toContain(`task = "${TASK}", epoch = 7`);
  expect(damage!.message).toContain(`attribute "${name}"`);
});

const pointer = {
  key: "k",
  build: "b",
  epoch: 7,
  at: 3,
  written: 2,
  caughtUp: 1,
  bytes: 1,
  version: 2,
  codec: "c",
  checksum: "d",
};
const taskItem: Item = {
  ...keyOf(TASK, TASK_ITEM_EPOCH),
  d: { N: "5" },
  dk: { S: checkOf(TASK, 5) },
  "d:rows": { N: "6" },
  "n:rows": { N: "3" },
  "k:rows": { S: checkOf(TASK, "rows", 6, 3) },
  t: { S: "5#0" },
  a: { SS: ["one"] },
  l: lineageValue(TASK, [{ id: "shard", parents: [], range: WHOLE_RANGE }]),
  c: pointerValue(pointer),
  ce: { N: "7" },
  p: pointerValue({ ...pointer, epoch: 6 }),
};

test("a task item is read as it was written, and a mark of another task is none", () => {
  expect(taskItemOf(TASK, taskItem)).toMatchObject({ delivered: 5, deliveredTo: { rows: { epoch: 6, count: 3 } } });
  expect(() => taskItemOf(`${TASK}1`, taskItem)).toThrow('attribute "d"');
});

test.each<[string, Item]>([
  ["d", { d: { N: "6" } }],
  ["dk", { dk: { N: "6" } }],
  ["k:rows", { "n:rows": { N: "4" } }],
  ["k:rows", { "d:rows": { N: "7" } }],
  ["n:rows", { "n:rows": { S: "4" } }],
  ["t", { t: { N: "5" } }],
  ["a", { a: { S: "one" } }],
  ["l", { l: { S: "[]" } }],
  ["l", { l: { S: (taskItem["l"]!.S ?? "").replace('"shard"', '"other"') } }],
  ["c", { c: { S: "{" } }],
  ["c", { c: { S: "null" } }],
  ["c", { c: { N: "1" } }],
  ["c", { c: pointerValue({ ...pointer, epoch: -1 }) }],
  ["ce", { c: pointerValue({ ...pointer, epoch: 8 }) }],
  ["ce", { ce: { N: "8" } }],
  ["p", { p: pointerValue(pointer) }],
  ["p", { p: { S: "1" } }],
])('a task item whose attribute "%s" is damaged is refused, and no raw error is thrown: %j', (name, change) => {
  expect(() => taskItemOf(TASK, { ...taskItem, ...change })).toThrow(`its attribute "${name}"`);
});

test.each(["d", "dk", "d:rows", "n:rows", "k:rows", "t", "c", "ce"])(
  'a task item without the attribute "%s", where its companion is there, is refused',
  (name) => {
    const { [name]: _gone, ...rest } = taskItem;
    expect(() => taskItemOf(TASK, rest)).toThrow("is damaged");
  },
);
