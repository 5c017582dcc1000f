import { bigint, kinesis, lake, nullable, pipeline, text, type ChangeEvent } from "millrace";
import fc from "fast-check";
import { testDriver } from "millrace/testing";
import { expect, test } from "vitest";
import { z } from "zod";

interface Key {
  readonly id: number;
}
interface Row extends Key {
  readonly name: string;
}

const START = 10_000;
const timed = { disorder: { seconds: 1 } } as const;
const changes = kinesis("changes", {
  schema: z.custom<ChangeEvent<Row, Key>>(() => true),
  eventTime: (event) => event.at,
  ...timed,
});
const questions = kinesis("questions", {
  schema: z.object({ id: z.number(), at: z.number() }),
  eventTime: (question) => question.at,
  ...timed,
});
const answers = lake("answers", { id: bigint, at: bigint, name: nullable(text) });
const asked = pipeline("asked", (flow) => {
  const rows = flow.from(changes).toTable("rows", { key: { id: (key) => key.id } });
  flow
    .from(questions)
    .keyBy("by-id", { id: (question) => question.id })
    .join("with-row", rows, ({ id, at }, row) => ({ id, at, name: row?.name }))
    .to(answers);
});

const IDS = [1, 2, 3];

/** What a database's log says: its times, in whole steps, never go back along it. */
function logOf(
  steps: readonly { readonly step: number; readonly from: number; readonly to: number; readonly goes: boolean }[],
) {
  const rows = new Map<number, string>();
  const log: { readonly event: ChangeEvent<Row, Key>; readonly rows: ReadonlyMap<number, string> }[] = [];
  let at = START;
  for (const [i, { step, from, to, goes }] of steps.entries()) {
    at += step;
    const told = { at, source: { connector: "postgresql" }, position: String(i).padStart(4, "0") } as const;
    const name = `${i}`;
    let event: ChangeEvent<Row, Key>;
    if (!rows.has(from)) event = { ...told, op: "insert", key: { id: from }, after: { id: from, name } };
    else if (goes) event = { ...told, op: "delete", key: { id: from } };
    else if (from === to || rows.has(to)) {
      event = { ...told, op: "update", key: { id: from }, after: { id: from, name } };
    } else {
      event = { ...told, op: "update", key: { id: to }, keyBefore: { id: from }, after: { id: to, name } };
      rows.delete(from);
    }
    if (event.op === "delete") rows.delete(from);
    else if ("after" in event) rows.set(event.key.id, name);
    log.push({ event, rows: new Map(rows) });
  }
  return { log, end: at };
}

const steps = fc.array(
  fc.record({
    step: fc.constantFrom(0, 0, 10, 100),
    from: fc.constantFrom(...IDS),
    to: fc.constantFrom(...IDS),
    goes: fc.boolean(),
  }),
  { minLength: 1, maxLength: 20 },
);

test("a question is answered by what the database had at its time, in whatever order its changes come, and how often", () => {
  fc.assert(
    fc.property(steps, fc.array(fc.nat(), { minLength: 1 }), (drawn, order) => {
      const { log, end } = logOf(drawn);
      const driver = testDriver(asked, { start: 60_000, deadLetters: "throw" });
      const times = [...new Set(log.map(({ event }) => event.at))].flatMap((at) => [at - 1, at, at + 5]);
      const all = [
        ...[...log, ...log.slice(0, 5)].map(
          ({ event }) =>
            () =>
              driver.push(changes, event),
        ),
        ...times.flatMap((at) => IDS.map((id) => () => driver.push(questions, { id, at }))),
      ];
      // All of it within the sources' disorder: nothing is late.
      fc.pre(end - START < 1_000);
      const shuffled = all.map((push, i) => ({ push, place: (order[i % order.length]! * (i + 1)) % 1_009 }));
      for (const { push } of shuffled.toSorted((a, b) => a.place - b.place)) push();
      driver.drain();
      const expected = times.flatMap((at) => {
        const rows = log.findLast(({ event }) => event.at <= at)?.rows;
        return IDS.map((id) => `${id} at ${at}: ${rows?.get(id) ?? "none"}`);
      });
      const found = driver.read(answers).map(({ id, at, name }) => `${id} at ${at}: ${name ?? "none"}`);
      expect(found.toSorted()).toEqual(expected.toSorted());
    }),
    { numRuns: 150 },
  );
});
