import {
  ConditionalCheckFailedException,
  GetItemCommand,
  type DynamoDBClient,
  type PutItemCommand,
} from "@aws-sdk/client-dynamodb";
import { bigint, text, view } from "millrace";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { ViewWriter } from "../../lib/connectors/view/deliver.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { bodyOf, client, close, entries, newBook, NOW, open, rowsOf, TABLE, writerOf } from "./books.ts";

beforeAll(open);
afterAll(close);

/** DynamoDB gives the item that a condition failed for; dynalite does not. */
const givingOld = (async (command: PutItemCommand) => {
  try {
    return await client.send(command);
  } catch (thrown) {
    if (!(thrown instanceof ConditionalCheckFailedException)) throw thrown;
    const { book, entry } = command.input.Item!;
    const { Item } = await client.send(new GetItemCommand({ TableName: TABLE, Key: { book: book!, entry: entry! } }));
    throw Object.assign(thrown, { Item });
  }
}) as DynamoDBClient["send"];

describe("a view that another stage has written", () => {
  const row = (book: string, id: string, n = 1): readonly Delivery[] => [{ id, body: bodyOf(book, { entry: "a", n }) }];

  test("is not written by a stage that was renamed, or by a second pipeline: the task stops, and says so", async () => {
    const book = newBook();
    const writer = writerOf(entries, { send: givingOld });
    await writer.deliver(row(book, "p:0:s:src.0:sh@7#0"));
    for (const id of ["p:0:s2:src.0:sh@1#0", "p:0:s2:src.0:sh@9#0", "q:0:s:src.0:sh@9#0", "p:0:s:other.0:sh@9#0"]) {
      await expect(writer.deliver(row(book, id, 2))).rejects.toThrow(
        expect.objectContaining({
          count: 0,
          cause: expect.objectContaining({ code: "view/other-writer", kind: "systemic" }),
        }),
      );
    }
    expect(await rowsOf(book)).toEqual({ a: 1 });
  });

  test("is taken over by a later generation, after which the one before changes nothing and does not fail", async () => {
    const book = newBook();
    const writer = writerOf(entries, { send: givingOld });
    await writer.deliver(row(book, "p:9:s:src.0:sh@7#0"));
    await writer.deliver(row(book, "p:10:s2:src.0:sh@1#0", 2));
    expect(await writer.deliver(row(book, "p:9:s:src.0:sh@8#0", 3))).toEqual([]);
    expect(await rowsOf(book)).toEqual({ a: 2 });
  });

  test("is written on by the same stage where its stream was made anew, whose epochs begin anew", async () => {
    const book = newBook();
    const writer = writerOf(entries, { send: givingOld });
    await writer.deliver(row(book, "p:0:s:src.0:sh@70#0"));
    await writer.deliver(row(book, "p:0:s:src.1:sh@1#0", 2));
    await writer.deliver(row(book, "p:0:s:src.0:sh@71#0", 3));
    expect(await rowsOf(book)).toEqual({ a: 2 });
  });
});

test("X10: a table that is not there, or has another key, is nobody's row's fault", async () => {
  const body = bodyOf("b", { entry: "a", n: 1 });
  for (const [other, table] of [
    [entries, "missing"],
    [view("other", { key: { shelf: text }, columns: { n: bigint } }), TABLE],
  ] as const) {
    const writer = new ViewWriter({
      client,
      view: other,
      table,
      now: () => NOW,
      wait: () => Promise.resolve(),
    });
    const written = other === entries ? body : other.encode({ shelf: "s", n: 1 } as never);
    await expect(writer.deliver([{ id: "p:0:s:src.0:sh@1#0", body: written }])).rejects.toThrow(
      expect.objectContaining({ cause: expect.objectContaining({ code: "view/put", kind: "systemic" }) }),
    );
  }
});
