import { BatchGetItemCommand, type AttributeValue, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { infrastructureError, poisonError } from "../../errors.ts";
import type { LookupTable } from "../../runtime/lookup-table.ts";
import type { KeyValue } from "../../state/key.ts";

/** AWS: BatchGetItem, API reference. */
const MAX_KEYS = 100;

/** What a request leaves out is asked for again after waits of 50 ms, 100 ms and so on, until the lookup's time is up. */
const FIRST_WAIT_MILLIS = 50;
const LONGEST_WAIT_MILLIS = 1_000;

export interface DynamoLookupTableSettings {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** The attribute that is the partition key. */
  readonly key: string;
  readonly wait: (millis: number) => Promise<void>;
}

type Item = Readonly<Record<string, AttributeValue>>;

/** Looks up items of a DynamoDB table by BatchGetItem: eventually consistent, half a read unit per 4 KB of an item. */
export class DynamoLookupTable implements LookupTable {
  readonly maxKeys = MAX_KEYS;
  readonly #settings: DynamoLookupTableSettings;

  constructor(settings: DynamoLookupTableSettings) {
    this.#settings = settings;
  }

  async lookup(keys: readonly KeyValue[], signal: AbortSignal): Promise<readonly unknown[]> {
    const { client, table, key, wait } = this.#settings;
    const found = new Map<string, unknown>();
    let asked: Item[] = keys.map((value) => ({ [key]: attributeOf(value) }));
    for (let millis = FIRST_WAIT_MILLIS; ; millis = Math.min(2 * millis, LONGEST_WAIT_MILLIS)) {
      const request = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: asked } } });
      const { Responses, UnprocessedKeys } = await client.send(request, { abortSignal: signal });
      for (const item of Responses?.[table] ?? []) found.set(textOf(item[key]), plainItem(item));
      asked = UnprocessedKeys?.[table]?.Keys ?? [];
      if (asked.length === 0) return keys.map((value) => found.get(textOf(attributeOf(value))));
      if (signal.aborted) throw unprocessed(table, asked.length);
      await wait(millis);
    }
  }
}

/** Numbers come back as the table writes them: 1e3 as 1000. */
const textOf = (value: AttributeValue | undefined): string =>
  value?.S === undefined ? `n${Number(value?.N)}` : `s${value.S}`;

function attributeOf(value: KeyValue): AttributeValue {
  if (typeof value === "string") return { S: value };
  if (typeof value === "number" || typeof value === "bigint") return { N: String(value) };
  throw poisonError({ code: "table/key", message: "A DynamoDB table has no keys that are booleans." });
}

const plainItem = (item: Item): Record<string, unknown> =>
  Object.fromEntries(Object.entries(item).map(([name, value]) => [name, plain(value)]));

/** An attribute as a schema knows it: whole numbers beyond 2^53 as bigints; sets as arrays. */
function plain(value: AttributeValue): unknown {
  if (value.S !== undefined) return value.S;
  if (value.N !== undefined) return numberOf(value.N);
  if (value.BOOL !== undefined) return value.BOOL;
  if (value.NULL !== undefined) return null;
  if (value.M !== undefined) return plainItem(value.M);
  if (value.L !== undefined) return value.L.map(plain);
  if (value.NS !== undefined) return value.NS.map(numberOf);
  return value.SS ?? value.B ?? value.BS;
}

function numberOf(text: string): number | bigint {
  const number = Number(text);
  return Number.isSafeInteger(number) || !/^-?\d+$/.test(text) ? number : BigInt(text);
}

const unprocessed = (table: string, keys: number) =>
  infrastructureError({ code: "table/throttled", message: `Table ${table} did not answer for ${keys} keys.` });
