import { BatchGetItemCommand, type DynamoDBClient } from "@aws-sdk/client-dynamodb";
import { infrastructureError, messageOf, systemicError } from "../../errors.ts";
import type { LookupTable } from "../../runtime/lookup-table.ts";
import { Retries, type Wait } from "../../runtime/retries.ts";
import type { KeyValue } from "../../state/key.ts";
import { plainItem, type Item } from "./plain-item.ts";
import { keyAttributeOf, keyTextOf } from "./table-key.ts";

/** AWS: BatchGetItem, API reference. */
const MAX_KEYS = 100;

/** What a request leaves out is asked for again until the lookup's time is up. */
const PAUSES = { first: 50, longest: 1_000, patience: Number.POSITIVE_INFINITY };

export interface DynamoLookupTableSettings {
  readonly client: DynamoDBClient;
  readonly table: string;
  /** The attribute that is the partition key. */
  readonly key: string;
  readonly wait: Wait;
}

/** Looks up items of a DynamoDB table by BatchGetItem: eventually consistent, half a read unit per 4 KB of an item. */
export class DynamoLookupTable implements LookupTable {
  readonly maxKeys = MAX_KEYS;
  readonly #settings: DynamoLookupTableSettings;

  constructor(settings: DynamoLookupTableSettings) {
    this.#settings = settings;
  }

  async lookup(keys: readonly KeyValue[], signal: AbortSignal): Promise<readonly unknown[]> {
    const { table, key, wait } = this.#settings;
    const attributes = keys.map(keyAttributeOf);
    const found = new Map<string, unknown>();
    // 1 and 1n are one key of a table, which refuses to be asked for one twice.
    const different = new Map(attributes.flatMap((each) => (each === undefined ? [] : [[keyTextOf(each), each]])));
    let asked: Item[] = [...different.values()].map((each) => ({ [key]: each }));
    const retries = new Retries(wait, PAUSES);
    while (asked.length > 0) {
      const { items, left } = await this.#request(asked, signal);
      for (const item of items) found.set(keyTextOf(item[key] ?? {}), plainItem(item));
      asked = left;
      if (asked.length === 0) break;
      if (signal.aborted || !(await retries.again())) throw unprocessed(table, asked.length);
    }
    return attributes.map((each) => (each === undefined ? undefined : found.get(keyTextOf(each))));
  }

  /** @throws systemic errors `table/missing`, `table/refused`, which no retry mends */
  async #request(asked: Item[], signal: AbortSignal): Promise<{ readonly items: Item[]; readonly left: Item[] }> {
    const { client, table, key } = this.#settings;
    const request = new BatchGetItemCommand({ RequestItems: { [table]: { Keys: asked } } });
    try {
      const { Responses, UnprocessedKeys } = await client.send(request, { abortSignal: signal });
      return { items: Responses?.[table] ?? [], left: UnprocessedKeys?.[table]?.Keys ?? [] };
    } catch (cause) {
      const { name } = cause as { readonly name?: unknown };
      if (name === "ResourceNotFoundException") throw missing(table, cause);
      if (name === "ValidationException") throw refused(table, key, cause);
      throw cause;
    }
  }
}

const unprocessed = (table: string, keys: number) =>
  infrastructureError({ code: "table/throttled", message: `Table ${table} did not answer for ${keys} keys.` });

const missing = (table: string, cause: unknown) =>
  systemicError({
    code: "table/missing",
    message: `Table ${table} does not exist in the function's account and region.`,
    advice: "Make it, or give the construct the right one in tables, and deploy.",
    cause,
  });

const refused = (table: string, key: string, cause: unknown) =>
  systemicError({
    code: "table/refused",
    message: `Table ${table} refused to be read by its partition key "${key}": ${messageOf(cause)}.`,
    advice: "dynamoTable's key must be the table's partition key, of the values' type, and its only key.",
    cause,
  });
