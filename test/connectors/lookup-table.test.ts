import { DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { expect, test } from "vitest";
import { DynamoLookupTable } from "../../lib/connectors/dynamodb-table/lookup.ts";

type Key = Readonly<Record<string, { readonly S?: string; readonly N?: string }>>;
interface Input {
  readonly RequestItems: Readonly<Record<string, { readonly Keys: readonly Key[] }>>;
}

/** A table whose requests are answered here. */
function tableOf(answer: (keys: readonly Key[], request: number) => object, waits: number[] = []) {
  let request = 0;
  const client = Object.assign(new DynamoDBClient({ region: "us-east-1" }), {
    send: ({ input }: { readonly input: Input }) =>
      Promise.resolve({ $metadata: {}, ...answer(input.RequestItems["airports"]!.Keys, request++) }),
  });
  const wait = (millis: number) => Promise.resolve(void waits.push(millis));
  return new DynamoLookupTable({ client, table: "airports", key: "code", wait });
}

const open = new AbortController().signal;

test("items come in the keys' order, whatever the table's; what is not there is undefined", async () => {
  const table = tableOf((keys) => ({
    Responses: {
      airports: keys.toReversed().flatMap(({ code }) => (code!.S === "X" ? [] : [{ code: code!, n: { N: "1" } }])),
    },
  }));
  expect(await table.lookup(["A", "X", "B"], open)).toEqual([{ code: "A", n: 1 }, undefined, { code: "B", n: 1 }]);
});

test("what a request leaves out is asked for again, and only that, after growing waits", async () => {
  const asked: number[] = [];
  const waits: number[] = [];
  const table = tableOf((keys) => {
    asked.push(keys.length);
    const [first, ...rest] = keys;
    return {
      Responses: { airports: [first] },
      ...(rest.length > 0 && { UnprocessedKeys: { airports: { Keys: rest } } }),
    };
  }, waits);
  expect(await table.lookup(["A", "B", "C"], open)).toEqual([{ code: "A" }, { code: "B" }, { code: "C" }]);
  expect(asked).toEqual([3, 2, 1]);
  expect(waits).toEqual([50, 100]);
});

test("once the lookup's time is up, it asks no more", async () => {
  const table = tableOf((keys) => ({ UnprocessedKeys: { airports: { Keys: keys } } }));
  await expect(table.lookup(["A"], AbortSignal.abort())).rejects.toMatchObject({
    code: "table/throttled",
    kind: "infrastructure",
  });
});

test("numbers are keys, however the table writes them; attributes are plain values", async () => {
  const table = tableOf(() => ({
    Responses: {
      airports: [
        {
          code: { N: "1000" },
          big: { N: "9007199254740993" },
          part: { N: "0.5" },
          flag: { BOOL: true },
          none: { NULL: true },
          list: { L: [{ S: "a" }, { M: { b: { N: "2" } } }] },
          texts: { SS: ["x"] },
        },
      ],
    },
  }));
  expect(await table.lookup([1e3], open)).toEqual([
    { code: 1000, big: 9007199254740993n, part: 0.5, flag: true, none: null, list: ["a", { b: 2 }], texts: ["x"] },
  ]);
});
