import { eventTime, list, map, reducing, value } from "millrace";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { ProcessOperator, type ProcessSpec } from "../../../lib/operators/process/process-operator.ts";
import { processTables } from "../../../lib/operators/process/process-tables.ts";
import type { CellDeclarations } from "../../../lib/operators/process/cell.ts";
import { Fold } from "../../../lib/runtime/fold.ts";
import { encodeKey } from "../../../lib/state/key.ts";
import type { TableDelta } from "../../../lib/state/keyed-table.ts";
import { hashOf } from "../../../lib/state/hash-range.ts";
import { sizeOfDelta } from "../../../lib/state/table-delta.ts";
import { hashOfPartitionKey, TaskState } from "../../../lib/state/task-state.ts";
import { sourceIntake } from "../../../lib/runtime/intake.ts";
import type { RecordDecoder } from "../../../lib/runtime/record.ts";
import { record } from "../../support/rig.ts";

interface Event {
  readonly key: string;
  readonly time: number;
  readonly [field: string]: unknown;
}

/** One process function alone, on a task's state that can be looked into. */
function bound(
  state: CellDeclarations,
  onRecord: (event: Event, context: never) => unknown,
  onTimer: (timer: never, context: never) => unknown = () => undefined,
) {
  const spec: ProcessSpec = {
    name: "p",
    keyFields: ["key"],
    broadcasts: {},
    delay: 0,
    definition: {
      state,
      operatorState: {},
      timers: { t: eventTime },
      sides: {},
      evolution: { version: 1, changes: new Map() },
      onRecord,
      onOther: undefined,
      onTimer,
    },
  };
  const task = new TaskState();
  const decode: RecordDecoder = ({ base64 }) => {
    const value = JSON.parse(Buffer.from(base64, "base64").toString()) as Event;
    const key = { key: value.key };
    return { value, time: value.time, key, keyCode: encodeKey(key) };
  };
  const rows: unknown[] = [];
  const fold = new Fold(
    {
      origin: { pipeline: "p", stage: "s", task: "t", partition: "0" },
      program: {
        pipeline: "p",
        name: "s",
        shapes: {},
        replicated: new Set(),
        entryRestorers: new Map(),
        shuffles: [],
        hashOfKey: hashOfPartitionKey,
        unite: (tables) => tables,
        hashOf: (_table, key) => hashOf(key),
        restore: ({ header, tables }) => ({ header, tables, isMigrated: false }),
        wayOfUnit: ({ operator }) => ({ operator, from: undefined }),
        bind: (context) => {
          const operator = new ProcessOperator(spec, context, { rows: (row) => rows.push(row), side: () => undefined });
          return { enter: () => operator.push, timed: [operator], expiring: [operator], flush: () => undefined };
        },
      },
      source: "s",
      intake: sourceIntake("s", { decode }, 0),
      poisonShare: 1,
      build: "test",
    },
    task,
  );
  let sequence = 0;
  const push = (...events: readonly Event[]) => fold.records(events.map((event) => record(++sequence, event)));
  const sizes = () =>
    Object.fromEntries(["p", "p$timers", "p$expiry", "p$wakes"].map((name) => [name, task.table(name).size]));
  return { spec, task, fold, push, rows, sizes };
}

test("null is a value, and not the initial one", () => {
  const { push, rows } = bound(
    {
      one: value(z.number().nullable(), { initial: 7 }),
      both: reducing(z.number().nullable(), (a: number | null, b: number | null) => (a === null ? b : null), {
        initial: 7,
      }),
    },
    (event, context) => {
      const { one, both } = (
        context as { state: Record<"one" | "both", { get(): unknown; set(v: unknown): void; add(v: unknown): void }> }
      ).state;
      if (event["set"] === true) {
        one.set(null);
        both.add(1);
      }
      return [[one.get(), both.get()]];
    },
  );
  push({ key: "a", time: 1 }, { key: "a", time: 2, set: true }, { key: "a", time: 3 });
  expect(rows).toEqual([
    [7, 7],
    [null, null],
    [null, null],
  ]);
});

describe("X9: what is past its time to live leaves the state by the watermark", () => {
  const ttl = { millis: 100 };
  const cells = {
    one: value(z.number(), { ttl }),
    many: list(z.number(), { ttl }),
    named: map(z.string(), z.number(), { ttl }),
    sum: reducing(z.number(), (a, b) => a + b, { ttl }),
  };
  const setAll = (
    event: Event,
    {
      state,
    }: {
      state: {
        one: { set(n: number): void };
        many: { append(n: number): void };
        named: { set(k: string, n: number): void };
        sum: { add(n: number): void };
      };
    },
  ) => {
    if (event["idle"] === true) return;
    state.one.set(1);
    state.many.append(1);
    state.named.set(String(event.time), 1);
    state.sum.add(1);
  };

  test("all of it, each entry for itself, a list's head with its last element", () => {
    const { push, sizes } = bound(cells, setAll);
    push({ key: "a", time: 0 }, { key: "a", time: 50 });
    // one, sum; list: head and two; map: two.
    expect(sizes()).toMatchObject({ p: 7, p$expiry: 6 });
    push({ key: "b", time: 110, idle: true });
    expect(sizes()).toMatchObject({ p: 5, p$expiry: 4 }); // what was written at 0 alone is gone
    push({ key: "b", time: 160, idle: true });
    expect(sizes()).toMatchObject({ p: 0, p$expiry: 0 });
  });

  test("it can be seen no longer than it lives, whatever the watermark", () => {
    const seen: unknown[] = [];
    const { push } = bound(
      { one: value(z.number(), { ttl }) },
      (event: Event, context: { state: { one: { get(): unknown; set(n: number): void } } }) => {
        if (event["read"] === true) seen.push(context.state.one.get());
        else context.state.one.set(event.time);
      },
    );
    push({ key: "a", time: 0 }, { key: "a", time: 99, read: true }, { key: "a", time: 100, read: true });
    expect(seen).toEqual([0, undefined]);
  });

  test("a refresh does not write to the table of expiry", () => {
    const { push, task } = bound(
      { one: value(z.number(), { ttl }) },
      (_event: Event, { state }: { state: { one: { set(n: number): void } } }) => state.one.set(1),
    );
    push({ key: "a", time: 0 });
    task.takeDeltas();
    push({ key: "a", time: 60 });
    const deltas = new Map(task.takeDeltas());
    expect(deltas.get("p")!.put).toHaveLength(1);
    expect(deltas.get("p$expiry")).toMatchObject({ put: [], removed: [], dropped: [] });
  });
});

test("a delta holds what was touched: one element of a long list, one entry of a large map", () => {
  const { push, task } = bound(
    { many: list(z.number()), named: map(z.number(), z.number()) },
    (
      event: Event,
      { state }: { state: { many: { append(n: number): void }; named: { set(k: number, n: number): void } } },
    ) => {
      state.many.append(event.time);
      state.named.set(event.time, 1);
    },
  );
  push(...Array.from({ length: 500 }, (_, time) => ({ key: "a", time })));
  task.takeDeltas();
  push({ key: "a", time: 1_000 });
  const [delta] = task.takeDeltas().map(([, one]) => one);
  const keys = delta!.put.flatMap(([, each]) => each);
  expect(keys.length).toBe(3); // the element, the list's head, the entry
});

test("timers: setting one again moves it, in the table too; firing and clearing take it out", () => {
  const { push, task, sizes } = bound(
    {},
    (event: Event, { timers }: { timers: { t: { set(at: number): void; clear(): void; at: number | undefined } } }) => {
      if (event["clear"] === true) timers.t.clear();
      else timers.t.set(event["at"] as number);
    },
  );
  push({ key: "a", time: 0, at: 50 }, { key: "a", time: 1, at: 70 }, { key: "b", time: 1, at: 60 });
  expect([...task.table("p$timers").spaces()].sort()).toEqual([60, 70]);
  push({ key: "b", time: 2, clear: true });
  expect(sizes()).toMatchObject({ p$timers: 1 });
  push({ key: "c", time: 75, clear: true });
  expect(sizes()).toMatchObject({ p$timers: 0 });
});

test("timers: one that is set to where it is changes nothing", () => {
  const { push, task } = bound(
    {},
    ({ at }: Event, { timers }: { timers: { t: { set(at: number): void; at: number | undefined } } }) =>
      timers.t.set(at as number),
  );
  push({ key: "a", time: 0, at: 50 });
  task.takeDeltas();
  push({ key: "a", time: 1, at: 50 });
  const [, delta] = task.takeDeltas().find(([name]) => name === "p$timers")!;
  expect(sizeOfDelta(delta)).toBe(0);
  push({ key: "a", time: 2, at: 60 });
  expect([...task.table("p$timers").spaces()]).toEqual([60]);
});

describe("what comes out of storage is checked", () => {
  const { spec } = bound({ one: value(z.number()), many: list(z.number()) }, () => []);
  const [cells] = processTables(spec);
  const delta = (key: string, stored: unknown): TableDelta => ({
    floor: 0,
    dropped: [],
    removed: [],
    put: [[0, [key], [stored]]],
  });
  test.each([
    ["a value that its schema refuses", "2 sa one", ["text"]],
    ["a list's head that is no number", "2 sa many", ["text"]],
    ["a cell that this build does not have", "2 sa gone", [1]],
    ["what is no entry", "2 sa one", 1],
    ["an expiry that is no time", "2 sa one", [1, "soon"]],
  ])("%s stops the task, naming operator and state", (_what, key, stored) => {
    expect(() => cells!.restore(delta(key, stored))).toThrow(
      expect.objectContaining({
        kind: "systemic",
        code: "state/cell",
        message: expect.stringContaining('operator "p"'),
      }),
    );
  });
  test("what fits passes as it is", () => {
    const good = delta("2 sa many 3", [7, 100]);
    expect(cells!.restore(good)).toEqual(good);
  });
});

test("the context is of no use once the function has ended: it would change another unit's state", () => {
  let kept: { state: { one: { set(n: number): void } } } | undefined;
  const { push } = bound({ one: value(z.number()) }, (_event: Event, context: typeof kept) => {
    kept = context;
  });
  push({ key: "a", time: 0 });
  expect(() => kept!.state.one.set(1)).toThrow(expect.objectContaining({ code: "process/ended", kind: "systemic" }));
});

test("an asynchronous function is refused, once: the task stops until it is mended", () => {
  const { push } = bound({}, async () => []);
  expect(() => push({ key: "a", time: 0 })).toThrow(/asynchronous function/);
});

test("X7: what a schema gives of a stored value, frozen in part, is nothing that user code can change", () => {
  const schema = z.object({ seen: z.array(z.string()) }).readonly();
  const { spec, task, push, rows } = bound(
    { all: value(schema, { initial: { seen: [] } }) },
    function* (event: Event, { state }: { state: { all: { get(): { seen: string[] } } } }) {
      if (event["meddle"] === true) state.all.get().seen.push("left behind");
      yield [...state.all.get().seen];
    },
  );
  const [cells] = processTables(spec);
  const keyCode = encodeKey({ key: "a" });
  const place = `${keyCode.length} ${keyCode} all`;
  task
    .table("p")
    .apply(cells!.restore({ floor: 0, dropped: [], removed: [], put: [[0, [place], [[{ seen: ["a"] }]]]] }));
  push({ key: "a", time: 1, meddle: true }, { key: "a", time: 2 });
  expect(rows).toEqual([["a"]]);
});
