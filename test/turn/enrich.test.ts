import { dynamoTable, kinesis, lake, pipeline, text, bigint, value, type EnrichOptions } from "millrace";
import { MemoryTable } from "millrace/testing";
import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { z } from "zod";
import { systemicError } from "../../lib/errors.ts";
import { record, Rig } from "../support/rig.ts";

const order = z.object({ key: z.string(), n: z.number(), article: z.string().optional() });
type Order = z.infer<typeof order>;

const orders = () =>
  kinesis("orders", {
    schema: order,
    key: { key: (o) => o.key },
    eventTime: (o) => o.n,
    disorder: {},
    idle: "never",
    maxFuture: "unbounded",
  });

interface Row {
  readonly n: number;
  readonly name: string;
}

/** Each order with its article's name. */
const named = (options: Partial<EnrichOptions<Order, string, string, Row>>) =>
  pipeline(
    "named",
    (flow) =>
      flow
        .from(orders())
        .filter("positive", ({ n }) => n >= 0)
        .enrich<string, string, Row>("article", {
          key: ({ article }) => article,
          with: ({ n }, name) => ({ n, name: name ?? "none" }),
          ...options,
        })
        .to(lake("rows", { n: bigint, name: text })),
    { poison: { share: 1 } },
  );

const records = (...all: readonly Omit<Order, "key">[]) => all.map((one) => record(one.n + 100, { key: "k", ...one }));
const turn = (rig: Rig, ...all: readonly Omit<Order, "key">[]) =>
  rig.task().turn({ kind: "records", records: records(...all) });
const rows = (rig: Rig) => rig.rows<Row>("rows").map(({ n, name }) => `${n} ${name}`);

describe("enrich by a function", () => {
  test("each key of a batch is looked up once, so many at once, and rows stay in the records' order", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("a", "b", "c", "d", "e", undefined), { minLength: 1, maxLength: 20 }),
        fc.integer({ min: 1, max: 4 }),
        fc.scheduler(),
        async (articles, concurrency, scheduler) => {
          const asked: string[] = [];
          let underWay = 0;
          let most = 0;
          const call = async (article: string) => {
            asked.push(article);
            most = Math.max(most, ++underWay);
            await scheduler.schedule(Promise.resolve());
            underWay--;
            return article.toUpperCase();
          };
          const rig = new Rig(named({ call, concurrency }));
          const done = turn(rig, ...articles.map((article, n) => ({ n, ...(article !== undefined && { article }) })));
          await scheduler.waitFor(done);
          expect(rows(rig)).toEqual(articles.map((article, n) => `${n} ${article?.toUpperCase() ?? "none"}`));
          const different = new Set(articles.filter((article) => article !== undefined));
          expect(asked.toSorted()).toEqual([...different].toSorted());
          expect(most).toBe(Math.min(concurrency, different.size));
        },
      ),
      { numRuns: 60 },
    );
  });

  test("a lookup that fails fails the batch, which comes again: nothing is committed before", async () => {
    let isDown = true;
    const rig = new Rig(
      named({ call: (article) => (isDown ? Promise.reject(new Error("503")) : Promise.resolve(article)) }),
    );
    await expect(turn(rig, { n: 1, article: "a" })).rejects.toMatchObject({
      kind: "infrastructure",
      code: "enrich/failed",
      message: expect.stringContaining('operator "article" failed: 503'),
    });
    expect(await rig.header()).toBeUndefined();
    isDown = false;
    await turn(rig, { n: 1, article: "a" });
    expect(rows(rig)).toEqual(["1 a"]);
  });

  const half = (article: string) => (article === "bad" ? Promise.reject(new Error("404")) : Promise.resolve(article));
  const three = [
    { n: 1, article: "a" },
    { n: 2, article: "bad" },
    { n: 3, article: "b" },
  ];

  test("X7: or it makes a dead letter of the records that needed it, which is redriven when the service is back", async () => {
    let call = half;
    const rig = new Rig(named({ call: (article) => call(article), onFailure: "dead-letter" }));
    await turn(rig, ...three);
    expect(rows(rig)).toEqual(["1 a", "3 b"]);
    const [letter] = rig.deadLetters();
    expect(letter).toMatchObject({ operator: "article", reason: { code: "enrich/failed" } });
    call = (article) => Promise.resolve(`${article} at last`);
    await rig.process().control({ type: "redrive", task: letter!.task, letter: letter! });
    expect(rows(rig)).toEqual(["1 a", "3 b", "2 bad at last"]);
  });

  test("or another value takes its place", async () => {
    const rig = new Rig(named({ call: half, onFailure: { use: "unknown" } }));
    await turn(rig, ...three);
    expect(rows(rig)).toEqual(["1 a", "2 unknown", "3 b"]);
  });

  test("one that takes too long has failed, and is told", async () => {
    let signal: AbortSignal | undefined;
    const rig = new Rig(
      named({
        call: (_article, options) => {
          ({ signal } = options);
          return new Promise(() => undefined);
        },
        timeout: { seconds: 3 },
      }),
    );
    const waits: number[] = [];
    const task = rig.task({ lookups: { wait: async (millis) => void waits.push(millis) } });
    await expect(task.turn({ kind: "records", records: records({ n: 1, article: "a" }) })).rejects.toThrow(
      "longer than 3000 ms",
    );
    expect(waits).toEqual([3_000]);
    expect(signal?.aborted).toBe(true);
  });

  test("answers are kept between batches while they are young and few, and failures are not", async () => {
    const asked: string[] = [];
    const call = async (article: string) => {
      asked.push(article);
      if (article === "bad") throw new Error("404");
      return article;
    };
    const rig = new Rig(named({ call, onFailure: "dead-letter", cache: { entries: 2, ttl: { minutes: 1 } } }));
    const task = rig.task();
    let n = 0;
    const batch = async (...articles: readonly string[]) => {
      asked.length = 0;
      await task.turn({ kind: "records", records: records(...articles.map((article) => ({ n: n++, article }))) });
      return asked.toSorted();
    };
    expect(await batch("a", "b", "bad")).toEqual(["a", "b", "bad"]);
    expect(await batch("a", "b", "bad")).toEqual(["bad"]);
    expect(await batch("a", "c")).toEqual(["c"]); // b has gone for it: a was used later
    expect(await batch("a", "b", "c")).toEqual(["b"]);
    rig.now += 60_000;
    expect(await batch("b")).toEqual(["b"]);
  });

  test("what is below the position, and what cannot be decoded, is not looked up", async () => {
    const asked: string[] = [];
    const rig = new Rig(named({ call: async (article) => (asked.push(article), article) }));
    await turn(rig, { n: 1, article: "a" });
    const broken = record(102, {}, { raw: Buffer.from("not json") });
    await rig.task().turn({
      kind: "records",
      records: [...records({ n: 1, article: "a" }), broken, ...records({ n: 3, article: "b" })],
    });
    expect(asked).toEqual(["a", "b"]);
    expect(rig.deadLetters()).toHaveLength(1);
    expect(rows(rig)).toEqual(["1 a", "3 b"]);
  });

  test("a key that is another one in the fold makes a dead letter: it was not looked up", async () => {
    let calls = 0;
    const rig = new Rig(named({ key: () => `key ${calls++}`, call: async (article) => article }));
    await turn(rig, { n: 1 });
    expect(rig.deadLetters()).toMatchObject([{ reason: { code: "enrich/not-prepared" } }]);
  });
});

test("what one operator adds decides what the next one needs; branches and side branches are prepared too", async () => {
  const asked: string[] = [];
  const ask = async (key: string) => (asked.push(key), `${key}+`);
  const rig = new Rig(
    pipeline("chain", (flow) => {
      const first = flow
        .from(orders())
        .enrich("first", { key: (o) => o.article, call: ask, with: (o, found) => ({ ...o, found: found ?? "" }) });
      const { odd } = first.split("parity", { odd: ({ n }) => n % 2 === 1 });
      odd
        .enrich("second", { key: (o) => o.found, call: ask, with: ({ n }, found) => ({ n, name: found ?? "" }) })
        .to(lake("rows", { n: bigint, name: text }));
      first.byKey
        .process("count", {
          state: { seen: value(z.number(), { initial: 0 }) },
          *onRecord({ found }, { state }) {
            state.seen.set(state.seen.get() + 1);
            yield { n: state.seen.get(), name: found };
          },
        })
        .to(lake("counted", { n: bigint, name: text }));
    }),
  );
  await turn(rig, { n: 1, article: "a" }, { n: 2, article: "b" });
  expect(rows(rig)).toEqual(["1 a++"]);
  expect(rig.rows<Row>("counted")).toEqual([
    { n: 1, name: "a+" },
    { n: 2, name: "b+" },
  ]);
  expect(asked).toEqual(["a", "b", "a+"]);
});

describe("enrich by a table", () => {
  const articles = dynamoTable("articles", { key: "id", schema: z.object({ id: z.string(), name: z.string() }) });
  type Article = { readonly id: string; readonly name: string };
  const byTable = (options: { readonly onFailure?: "retry" | "dead-letter" | { readonly use: Article } } = {}) =>
    pipeline(
      "by-table",
      (flow) =>
        flow
          .from(orders())
          .enrich("article", {
            key: (o) => o.article,
            table: articles,
            with: ({ n }, found) => ({ n, name: found?.name ?? "none" }),
            ...options,
          })
          .to(lake("rows", { n: bigint, name: text })),
      { poison: { share: 1 } },
    );
  const lookupsOf = (table: MemoryTable) => ({ tables: new Map([["articles", table]]) });

  test("many keys are one request, as many as it takes; what is not found is undefined", async () => {
    const table = new MemoryTable(
      ["a", "b", "c", "d"].map((id) => [id, { id, name: id.toUpperCase() }] as const),
      3,
    );
    const rig = new Rig(byTable());
    const all = ["a", "b", "x", "a", "c", "d"].map((article, n) => ({ n, article }));
    await rig.task({ lookups: lookupsOf(table) }).turn({ kind: "records", records: records(...all) });
    expect(rows(rig)).toEqual(["0 A", "1 B", "2 none", "3 A", "4 C", "5 D"]);
    expect(table.requests).toEqual([
      ["a", "b", "x"],
      ["c", "d"],
    ]);
  });

  test("X7: a row that its schema refuses makes dead letters, as it is no better the next time", async () => {
    const table = new MemoryTable([["a", { id: "a", name: 7 }]]);
    const rig = new Rig(byTable());
    await rig
      .task({ lookups: lookupsOf(table) })
      .turn({ kind: "records", records: records({ n: 1, article: "a" }, { n: 2 }) });
    expect(rows(rig)).toEqual(["2 none"]);
    expect(rig.deadLetters()).toMatchObject([
      { reason: { code: "enrich/row", message: expect.stringContaining('the table "articles"') } },
    ]);
  });

  test.each(["retry", "dead-letter", { use: { id: "", name: "in its place" } }] as const)(
    "X10: a table that is missing stops the task and blames no record, with onFailure %j",
    async (onFailure) => {
      const missing = systemicError({ code: "table/missing", message: "Table articles does not exist." });
      const table = { maxKeys: 100, lookup: () => Promise.reject(missing) };
      const rig = new Rig(byTable({ onFailure }));
      const task = rig.task({ lookups: { tables: new Map([["articles", table]]) } });
      const records = { kind: "records", records: [record(1, { key: "k", n: 1, article: "a" })] } as const;
      await expect(task.turn(records)).rejects.toBe(missing);
      expect(await rig.header()).toBeUndefined();
    },
  );

  test("a table that the deployment does not know stops the task", async () => {
    const rig = new Rig(byTable());
    await expect(turn(rig, { n: 1, article: "a" })).rejects.toMatchObject({
      kind: "systemic",
      code: "enrich/no-table",
    });
  });
});
