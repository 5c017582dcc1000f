import fc from "fast-check";
import { expect, test } from "vitest";
import { bigint, bool, double, lake, nullable, queue, text, timestamp } from "../../lib/index.ts";
import { CODEC, checksumOf, encodeBody } from "../../lib/state/codec.ts";
import { decodeCommit, encodeCommit, outputOf, sealCommit, type Commit } from "../../lib/state/commit.ts";
import { TaskState } from "../../lib/state/task-state.ts";
import { columnsOf, textsOf } from "../../lib/state/text-columns.ts";

const VALUE = fc.oneof(
  fc.string({ maxLength: 12 }),
  fc.constantFrom("", ',"n":', '"', "\\", "}", "1", "\n", "a\nb", "ORD", "é\u{1f600}", '":"'),
  fc.integer(),
  fc.double(),
  fc.constantFrom<unknown>(true, false, null, [1, "a"], { n: 1 }),
);
const NAMES = [["id", "n", "at"], ["id", "n"], ['a"b', "x1", "true"], ["only"], []];

const uncut = (body: string) => ({ body });

const ROW = fc
  .constantFrom(...NAMES)
  .chain((names) => fc.tuple(...names.map((name) => fc.tuple(fc.constant(name), VALUE))))
  .map((fields) => JSON.stringify(Object.fromEntries(fields)));
const ELEMENT = fc
  .tuple(fc.nat(9), VALUE)
  .map(([group, value]) => `${group} by-carrier [1000,"sAA",${JSON.stringify(value)}]`);
/** Rows as sinks write them, texts as stages send them to each other, and any others. */
const TEXT = fc.oneof(
  { weight: 6, arbitrary: ROW },
  { weight: 2, arbitrary: ELEMENT },
  fc.string(),
  fc.constantFrom("", "\n", '{"id":1}\n', "1", '"', `[${"1,".repeat(100)}1]`),
);

test("texts come back as they were, whatever they are", () => {
  fc.assert(
    fc.property(fc.array(TEXT, { maxLength: 30 }), (texts) => {
      expect(textsOf(columnsOf(texts.map(uncut)), Number.POSITIVE_INFINITY)).toEqual(texts);
    }),
    { numRuns: 2_000 },
  );
});

const SINKS = [
  lake("delays", { id: text, n: bigint, at: nullable(timestamp), share: nullable(double), late: nullable(bool) }),
  queue("late", { id: text, n: bigint }),
  queue("shares", { share: nullable(double) }),
];
const CUT_ROW = fc.record({
  id: fc.oneof(fc.string({ unit: "binary" }), fc.constantFrom('","n":1', "}", "\n", "")).map((id) => id.toWellFormed()),
  n: fc.oneof(fc.maxSafeInteger(), fc.bigInt(-(2n ** 63n), 2n ** 63n - 1n)),
  at: fc.option(fc.integer(), { nil: undefined }),
  share: fc.option(fc.double({ noDefaultInfinity: true, noNaN: true }), { nil: undefined }),
  late: fc.option(fc.boolean(), { nil: undefined }),
});

test("texts that their sinks have cut come back as they were, among others", () => {
  const cut = fc.tuple(fc.constantFrom(...SINKS), CUT_ROW).map(([sink, row]) => {
    const parts = sink.cut!(row as never);
    return { body: sink.encode(row as never), cut: parts };
  });
  const any = fc.oneof({ weight: 4, arbitrary: cut }, { weight: 1, arbitrary: cut.map(({ body }) => ({ body })) });
  fc.assert(
    fc.property(fc.array(fc.oneof({ weight: 5, arbitrary: any }, TEXT.map(uncut)), { maxLength: 30 }), (texts) => {
      expect(textsOf(columnsOf(texts), Number.POSITIVE_INFINITY)).toEqual(texts.map(({ body }) => body));
    }),
    { numRuns: 2_000 },
  );
});

test("what a sink has cut is written as what is looked for", () => {
  const rows = Array.from({ length: 50 }, (_, i) => ({
    id: `id${i}`,
    n: i,
    at: 7 * i,
    share: i / 7,
    late: i % 2 === 0,
  }));
  for (const sink of SINKS) {
    const cut = rows.map((row) => ({ body: sink.encode(row as never), cut: sink.cut!(row as never) }));
    expect(columnsOf(cut)).toEqual(columnsOf(cut.map(({ body }) => ({ body }))));
    // Outputs are put together when they are asked for, and then held once.
    const outputs = cut.map((one) => outputOf(sink.name, one.cut));
    expect(columnsOf(outputs)).toEqual(columnsOf(cut));
    expect(outputs.every((output) => output.cut !== undefined)).toBe(true);
    expect(outputs.map(({ body }) => body)).toEqual(cut.map(({ body }) => body));
    expect(outputs.every((output) => output.cut === undefined)).toBe(true);
    expect(columnsOf(outputs)).toEqual(columnsOf(cut));
  }
});

test("rows with the same fields have one form, whichever are missing and whichever sink has cut them", () => {
  const other = lake("more_delays", { id: text, n: bigint, at: nullable(timestamp), share: nullable(double) });
  const rows = Array.from({ length: 60 }, (_, i) => ({
    ...{ id: `id${i}`, n: i },
    at: i % 3 === 0 ? undefined : i,
    share: i % 2 === 0 ? undefined : i / 7,
    late: undefined,
  }));
  const cut = rows.flatMap((row) =>
    [SINKS[0]!, other].map((sink) => ({ body: sink.encode(row as never), cut: sink.cut!(row as never) })),
  );
  const columns = columnsOf(cut);
  expect(columns[0].map(([pieces]) => pieces?.length)).toEqual([3, 5, 4, 4]); // and none is like no others
  expect(textsOf(columns, 1e6)).toEqual(cut.map(({ body }) => body));
});

test("names of rows that are alike are written once, and texts in between do not change that", () => {
  const rows = Array.from({ length: 50 }, (_, i) => JSON.stringify({ origin: "ORD", flights: i, late: i % 2 === 0 }));
  const texts = rows.flatMap((row, i) => (i % 10 === 0 ? ["another\ntext", row] : [row]));
  const written = JSON.stringify(columnsOf(texts.map(uncut)));
  expect(written.split("flights")).toHaveLength(2);
  expect(textsOf(columnsOf(texts.map(uncut)), 1e6)).toEqual(texts);
});

test.each(["a", '\\"', "é"])("a text with one long value of %j is taken as any", (unit) => {
  const texts = [`{"a":"${unit.repeat(16_000_000)}"}`, '{"a":"b"}', '{"a":"c"}'];
  expect(textsOf(columnsOf(texts.map(uncut)), Number.POSITIVE_INFINITY)?.every((text, i) => text === texts[i])).toBe(
    true,
  );
});

test("a piece that is in a value, too, is cut somewhere, and the text is the same", () => {
  const texts = ['{"a":"x","b":1}', '{"a":",\\"b\\":","b":2}', '{"a":"","b":","}', '{"a":"x","b":1},"b":1}'];
  expect(textsOf(columnsOf(texts.map(uncut)), 1e6)).toEqual(texts);
});

test("what is no columns, or would make more text than is taken, is refused", () => {
  const large = [[[["a".repeat(1_000), ""], ["\n".repeat(999)]]], [0, 1_000]];
  expect(textsOf(large, 1_001_000)).toHaveLength(1_000);
  expect(textsOf(large, 1_000_999)).toBeUndefined();
  const wrong: readonly unknown[] = [
    undefined,
    [],
    [[], [0, 1]],
    [[[["a", "b"], ["1"]]], [0, 2]],
    [[[["a", "b"], ["1"]]], [1, 1]],
    [[[["a"], ["1"]]], [0, 1]],
    [[[["a", 1], ["1"]]], [0, 1]],
    [[[["a", "b"], [1]]], [0, 1]],
    [[[null, ["a"]]], [0, 2]],
    [[[null, "a"]], [0, 1]],
    [[[["a"], []]], [0, Number.POSITIVE_INFINITY]],
    [[[["a"], []]], [0, "1"]],
    [[[[""], []]], [0, 1_000_000]],
  ];
  for (const columns of wrong) expect(textsOf(columns, 1_000), JSON.stringify(columns)).toBeUndefined();
});

const outputs = [
  { sink: "rows", body: '{"id":1}' },
  { sink: "others", body: "text" },
  { sink: "rows", body: '{"id":2}' },
];
const commit: Commit = { shapes: {}, header: new TaskState().header(), tables: [], outputs };
const totals = { written: 0, caughtUp: 0 };
const envelope = { epoch: 1, nonce: "nonce-1", build: "build", totals, base: undefined, expires: 0 };

test("a commit has its outputs in their order, each for its sink", () => {
  const { body, sinks } = encodeCommit(commit);
  const stored = sealCommit("task", { ...envelope, sinks, body }, body);
  expect(decodeCommit(stored, body, "task").outputs).toEqual(outputs);
});

test("commits of the format before, which has texts one by one, are read", () => {
  const sinks = ["rows", "others"];
  const bodies = outputs.map(({ body }) => body);
  const body = encodeBody([commit.shapes, commit.header, commit.tables, sinks, [0, 1, 0], bodies]);
  const sealed = ["commit", "task", 1, "nonce-1", 3, CODEC, "build", sinks, 0, 0];
  const stored = { ...envelope, sinks, body, version: 3, codec: CODEC, checksum: checksumOf(body, [...sealed, null]) };
  expect(decodeCommit(stored, body, "task").outputs).toEqual(outputs);
});
