import type { BatchGetItemCommand, DynamoDBClient } from "@aws-sdk/client-dynamodb";
import fc from "fast-check";
import { bigint, timestamp, text, view } from "millrace";
import { viewQueryHandler } from "millrace/lambda";
import { viewClient } from "millrace/views";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bodyOf, client, close, createTable, entries, newBook, open, TABLE, writerOf } from "./books.ts";

const book = "library/with ü";
const sums = view("sums", { key: { account: bigint }, columns: { total: bigint } });
const visits = view("visits", { key: { site: text, at: timestamp }, columns: { n: bigint } });

const idOf = (n: number) => `p:3:s:src.0:shard-0@1#${n}`;
const reader = viewClient(entries, { client: undefined as never, tableName: TABLE });
const reads = (send?: DynamoDBClient["send"]) =>
  viewClient(entries, {
    client: send === undefined ? client : Object.assign(Object.create(client) as DynamoDBClient, { send }),
    tableName: TABLE,
    consistent: true,
    wait: () => Promise.resolve(),
  });

/** 250 entries, of which every tenth is removed. */
beforeAll(async () => {
  await open();
  const write = (n: number) => {
    const entry = `e${String(n).padStart(3, "0")}`;
    return { id: idOf(n), body: bodyOf(book, { entry, n: n % 10 === 0 ? undefined : n }) };
  };
  await writerOf(entries).deliver(Array.from({ length: 250 }, (_, n) => write(n)));
  await createTable("sums", [["account", "N"]]);
  const huge = 2n ** 60n + 1n;
  const sum = sums.encode({ account: huge, total: -(2n ** 63n) } as never);
  await writerOf(sums, { table: "sums" }).deliver([{ id: idOf(0), body: sum }]);
  await createTable("visits", [
    ["site", "S"],
    ["at", "N"],
  ]);
  const visit = (at: number) => visits.encode({ site: "s", at, n: at } as never);
  await writerOf(visits, { table: "visits" }).deliver(
    Array.from({ length: 20 }, (_, i) => ({ id: idOf(i), body: visit(i - 10) })),
  );
});
afterAll(close);

describe("a view's client", () => {
  test("has rows of the declared types, and says what they are as of", async () => {
    const found = await reads().get({ book, entry: "e007" });
    const n: number | bigint | undefined = found?.row.n;
    const note: string | undefined = found?.row.note;
    expect([n, note]).toEqual([7, undefined]);
    expect(found).toEqual({
      row: { book, entry: "e007", n: 7 },
      asOf: { outputId: idOf(7), generation: 3, task: "p:3:s:src.0:shard-0", epoch: 1 },
    });
    // @ts-expect-error: half a key
    void (() => reader.get({ book }));
    // @ts-expect-error: of another type
    void (() => reader.get({ book, entry: 7 }));
  });

  test("finds nothing of what was removed, or never was", async () => {
    expect(await reads().get({ book, entry: "e010" })).toBeUndefined();
    expect(await reads().get({ book, entry: "e999" })).toBeUndefined();
    await expect(reads().get({ book, entry: "" })).rejects.toMatchObject({ code: "view/row", kind: "poison" });
  });

  test("gets any number of keys, each in its place, and asks again for what a request leaves out", async () => {
    let requests = 0;
    const leaving = (async (command: BatchGetItemCommand) => {
      requests += 1;
      const { Keys = [], ConsistentRead } = command.input.RequestItems![TABLE]!;
      expect(ConsistentRead).toBe(true);
      const [now, left] = [Keys.slice(0, 40), Keys.slice(40)];
      command.input.RequestItems![TABLE]!.Keys = now;
      const answer = await client.send(command);
      return { ...answer, ...(left.length > 0 && { UnprocessedKeys: { [TABLE]: { Keys: left } } }) };
    }) as DynamoDBClient["send"];
    const keys = Array.from({ length: 260 }, (_, i) => ({ book, entry: `e${String(259 - i).padStart(3, "0")}` }));
    const rows = await reads(leaving).getAll([...keys, keys[9]!, keys[12]!]);
    const expected = keys.map((_, i) => (259 - i < 250 && (259 - i) % 10 !== 0 ? 259 - i : undefined));
    expect(rows.map((found) => found?.row.n)).toEqual([...expected, expected[9], expected[12]]);
    expect(requests).toBe(7); // 3 of 260 keys, 2 of 140, 1 of 60, 1 of 20
    const never = ((command: BatchGetItemCommand) =>
      Promise.resolve({ UnprocessedKeys: command.input.RequestItems })) as DynamoDBClient["send"];
    await expect(reads(never).getAll(keys.slice(0, 1))).rejects.toMatchObject({ code: "view/throttled" });
  });

  test("lists a partition in order, page by page, either way and between bounds: every row once", async () => {
    const all = Array.from({ length: 250 }, (_, n) => n).filter((n) => n % 10 !== 0);
    const bound = fc.option(fc.nat(260), { nil: undefined });
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 300 }),
        fc.boolean(),
        bound,
        bound,
        async (limit, descending, a, b) => {
          const entryOf = (n: number | undefined) => (n === undefined ? undefined : `e${String(n).padStart(3, "0")}`);
          if (a !== undefined && b !== undefined && a > b) return;
          const seen: unknown[] = [];
          let cursor: string | undefined;
          do {
            const page = await reads().list({ book }, { limit, cursor, descending, from: entryOf(a), to: entryOf(b) });
            expect(page.rows.length).toBeLessThanOrEqual(limit);
            if (page.cursor !== undefined) expect(page.rows).toHaveLength(limit);
            seen.push(...page.rows.map(({ row }) => row.n));
            cursor = page.cursor;
          } while (cursor !== undefined);
          const expected = all.filter((n) => n >= (a ?? 0) && n <= (b ?? 999));
          expect(seen).toEqual(descending ? expected.toReversed() : expected);
        },
      ),
      { numRuns: 25 },
    );
  });

  test("refuses a cursor that it did not give, and a list by a key that has nothing to list", async () => {
    for (const cursor of ["", "x", Buffer.from('{"M":{}}').toString("base64url"), "a".repeat(5_000)])
      await expect(reads().list({ book }, { cursor })).rejects.toMatchObject({ code: "view/cursor", kind: "poison" });
    for (const limit of [0, 1.5, 1_001, Number.NaN])
      await expect(reads().list({ book }, { limit })).rejects.toMatchObject({ code: "view/limit", kind: "poison" });
    await expect(viewClient(sums, { client, tableName: "sums" }).list({ account: 1 })).rejects.toMatchObject({
      code: "view/list",
      kind: "definition",
    });
  });

  test("a cursor of one partition begins in another where that one's keys do: it shows nothing that was not asked for", async () => {
    const other = newBook();
    await writerOf(entries).deliver([{ id: idOf(0), body: bodyOf(other, { entry: "e900", n: 900 }) }]);
    const { cursor } = await reads().list({ book }, { limit: 3 });
    const { rows } = await reads().list({ book: other }, { cursor });
    expect(rows.map(({ row }) => row.book)).toEqual([other]);
  });
});

describe("a view over HTTP", () => {
  const ask = async (of: ReturnType<typeof viewQueryHandler>, path: string, query: Record<string, string> = {}) => {
    const requestContext = { http: { method: "GET" } };
    const { statusCode, body, headers } = await of({ rawPath: path, queryStringParameters: query, requestContext });
    return { status: statusCode, headers, body: JSON.parse(body!) as Record<string, unknown> };
  };
  const handler = (options: object = {}) => viewQueryHandler(entries, { client, tableName: TABLE, ...options });
  const path = (...parts: readonly string[]) => `/${parts.map(encodeURIComponent).join("/")}`;

  test("gives a row by its key, with what it is as of, to keep nowhere", async () => {
    const { status, headers, body } = await ask(handler(), path(book, "e007"), { consistent: "true" });
    expect(status).toBe(200);
    expect(headers).toMatchObject({ "content-type": "application/json", "cache-control": "no-store" });
    expect(body).toMatchObject({ row: { book, entry: "e007", n: 7 }, asOf: { outputId: idOf(7) } });
    expect(await ask(handler(), path(book, "e010"))).toMatchObject({ status: 404 });
    expect(await ask(handler(), path(book, "e007", "x"))).toMatchObject({ status: 404 });
  });

  test("lists with a cursor", async () => {
    const first = await ask(handler(), path(book), { limit: "200" });
    const second = await ask(handler(), path(book), { limit: "200", cursor: first.body["cursor"] as string });
    expect([first.body["rows"], second.body["rows"]]).toMatchObject([{ length: 200 }, { length: 25 }]);
    const last = await ask(handler(), path(book), { limit: "1", order: "desc", to: "e100" });
    expect(last.body["rows"]).toMatchObject([{ row: { n: 99 } }]);
  });

  test("numbers are keys too, beyond 2^53 and below zero", async () => {
    const one = viewQueryHandler(sums, { client, tableName: "sums" });
    expect(await ask(one, "/1152921504606846977")).toMatchObject({
      status: 200,
      body: { row: { account: "1152921504606846977", total: "-9223372036854775808" } },
    });
    expect(await ask(one, "/1152921504606846976")).toMatchObject({ status: 404 });
    const many = viewQueryHandler(visits, { client, tableName: "visits" });
    const page = await ask(many, "/s", { from: "-3", limit: "4" });
    expect((page.body["rows"] as { row: { at: number } }[]).map(({ row }) => row.at)).toEqual([-3, -2, -1, 0]);
    const next = await ask(many, "/s", { from: "-3", limit: "2", cursor: page.body["cursor"] as string });
    expect((next.body["rows"] as { row: { at: number } }[]).map(({ row }) => row.at)).toEqual([1, 2]);
  });

  test.each<[string, string, Record<string, string>, string]>([
    ["no key", "/", {}, "view/row"],
    ["a path that is none", "/%E0%A4%A", {}, "http/path"],
    ["a limit that is none", "/b", { limit: "many" }, "view/limit"],
    ["a cursor that is none", "/b", { cursor: "?" }, "view/cursor"],
    ["a key that is too long", `/${"x".repeat(2_049)}/e`, {}, "view/row"],
  ])("%s is a bad request", async (_what, path, query, code) => {
    expect(await ask(handler(), path, query)).toMatchObject({ status: 400, body: { error: { code } } });
  });

  test("a number that is none is a bad request", async () => {
    for (const text of ["x", "1.5", "1e3", "", "12345678901234567890123"])
      expect(await ask(viewQueryHandler(sums, { client, tableName: "sums" }), `/${text}`)).toMatchObject({
        status: 400,
      });
  });

  test("a table that is busy is 429, and what fails otherwise is told to the log alone", async () => {
    const failing = (name: string) => {
      const send = () => Promise.reject(Object.assign(new Error(`secret ${name}`), { name }));
      return { client: Object.assign(Object.create(client) as DynamoDBClient, { send }) };
    };
    expect(await ask(handler(failing("ProvisionedThroughputExceededException")), path(book, "e007"))).toMatchObject({
      status: 429,
      headers: { "retry-after": "1" },
    });
    const errors: unknown[] = [];
    const onError = (error: unknown) => void errors.push(error);
    const failed = await ask(handler({ ...failing("ResourceNotFoundException"), onError }), path(book, "e007"));
    expect(failed.status).toBe(500);
    expect(JSON.stringify(failed)).not.toContain("secret");
    expect(errors).toHaveLength(1);
  });

  test("nothing but GET is answered", async () => {
    const answer = await handler()({ rawPath: "/b/e", requestContext: { http: { method: "POST" } } });
    expect(answer).toMatchObject({ statusCode: 405, headers: { allow: "GET" } });
  });
});
