import {
  BatchGetItemCommand,
  GetItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClient,
  type QueryCommandInput,
} from "@aws-sdk/client-dynamodb";
import { definitionError, infrastructureError, poisonError } from "../../errors.ts";
import type { ViewOf } from "./declare.ts";
import { foundIn, type Found } from "./item.ts";
import { keyItem, type Item, type Row, type ViewShape } from "./row.ts";

/** AWS: BatchGetItem, API reference. */
const MAX_KEYS = 100;

/** Keys that a request leaves out are asked for again this often, after waits of 50 ms, 100 ms and so on: for six seconds in all. */
const ATTEMPTS = 8;
const FIRST_WAIT_MILLIS = 50;
const LONGEST_WAIT_MILLIS = 2_000;

/** Rows of a page, where nothing else is said. */
const PAGE = 100;
const LARGEST_PAGE = 1_000;

/** A cursor is a sort key, of 1,024 bytes at most, in JSON and base64. */
const LONGEST_CURSOR = 4_096;

export interface ViewClientSettings {
  readonly client: DynamoDBClient;
  readonly tableName: string;
  /** Whether reads see every put acknowledged before them; they cost twice. @default false */
  readonly consistent?: boolean;
  /** @default by a timer */
  readonly wait?: (millis: number) => Promise<void>;
}

export interface ReadOptions {
  /** @default the client's */
  readonly consistent?: boolean;
}

export interface ListOptions<K> extends ReadOptions {
  /** How many rows at most, 1 to 1,000. @default 100 */
  readonly limit?: number;
  /** Where the page before ended. */
  readonly cursor?: string | undefined;
  readonly descending?: boolean;
  /** The least sort key, itself included; the greatest. @default all */
  readonly from?: K[keyof K] | undefined;
  readonly to?: K[keyof K] | undefined;
}

export interface Page<R> {
  readonly rows: readonly Found<R>[];
  /** For the next page; none where there is no more. */
  readonly cursor?: string;
}

/** Reads a view. */
export interface ViewClient<R, K> {
  /** The row of a key; undefined where there is none, or it was removed. @throws poison error `view/row` for a key that no row can have */
  get(key: K, options?: ReadOptions): Promise<Found<R> | undefined>;
  /** Rows of any number of keys, each in its place. @throws infrastructure error `view/throttled` */
  getAll(keys: readonly K[], options?: ReadOptions): Promise<readonly (Found<R> | undefined)[]>;
  /**
   * The rows of one partition key in the order of the sort key, page by page. A page may be the last and have a cursor.
   *
   * @param partition the first field of the view's key
   * @throws poison error `view/cursor`, `view/limit`; definition error `view/list` for a view whose key has one field
   */
  list(partition: Partial<K>, options?: ListOptions<K>): Promise<Page<R>>;
}

/**
 * Reads a view: rows have the types that its declaration gives them.
 *
 * @param view the declaration
 */
export function viewClient<R, K>(view: ViewOf<R, K>, settings: ViewClientSettings): ViewClient<R, K> {
  const { client, tableName, consistent = false, wait = waitFor } = settings;
  const found = (item: Item | undefined) => item && (foundIn(view, item) as Found<R> | undefined);
  const isConsistent = (options: ReadOptions) => ({ ConsistentRead: options.consistent ?? consistent });
  return {
    async get(key, options = {}) {
      const Key = keyItem(view, key as Row);
      const { Item } = await client.send(new GetItemCommand({ TableName: tableName, Key, ...isConsistent(options) }));
      return found(Item);
    },

    async getAll(keys, options = {}) {
      const wanted = keys.map((key) => keyItem(view, key as Row));
      const rows = new Map<string, Found<R> | undefined>();
      let left = [...new Map(wanted.map((key) => [textOf(view, key), key])).values()];
      for (let attempt = 1; left.length > 0; attempt++) {
        const unprocessed: Item[] = [];
        for (let from = 0; from < left.length; from += MAX_KEYS) {
          const Keys = left.slice(from, from + MAX_KEYS);
          const request = { RequestItems: { [tableName]: { Keys, ...isConsistent(options) } } };
          const { Responses, UnprocessedKeys } = await client.send(new BatchGetItemCommand(request));
          for (const item of Responses?.[tableName] ?? []) rows.set(textOf(view, item), found(item));
          unprocessed.push(...(UnprocessedKeys?.[tableName]?.Keys ?? []));
        }
        left = unprocessed;
        if (left.length === 0) break;
        if (attempt === ATTEMPTS) throw throttled(tableName, left.length);
        await wait(Math.min(FIRST_WAIT_MILLIS * 2 ** (attempt - 1), LONGEST_WAIT_MILLIS));
      }
      return wanted.map((key) => rows.get(textOf(view, key)));
    },

    async list(partition, options = {}) {
      const { limit = PAGE, cursor, descending = false } = options;
      if (!Number.isInteger(limit) || limit < 1 || limit > LARGEST_PAGE) throw badLimit(limit);
      const start = cursor === undefined ? undefined : startOf(view, partition, cursor);
      const query = queryOf(view, partition as Row, options);
      const rows: Found<R>[] = [];
      for (let next: Item | undefined = start; ;) {
        const { Items = [], LastEvaluatedKey } = await client.send(
          new QueryCommand({
            TableName: tableName,
            ...query,
            ScanIndexForward: !descending,
            // Tombstones are items too: what is asked for may be less than a page.
            Limit: limit - rows.length,
            ...(next === undefined ? {} : { ExclusiveStartKey: next }),
            ...isConsistent(options),
          }),
        );
        rows.push(...Items.flatMap((item) => found(item) ?? []));
        next = LastEvaluatedKey;
        if (next === undefined) return { rows };
        if (rows.length === limit) return { rows, cursor: cursorOf(view, next) };
      }
    },
  };
}

const waitFor = (millis: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, millis));

/** A key as text. The table gives numbers back as it likes to write them. */
const textOf = ({ key }: ViewShape, item: Item): string =>
  JSON.stringify(key.map(({ field, type }) => item[field]?.S ?? canonical(item[field]?.N, type)));

const canonical = (digits: string | undefined, type: string): string =>
  type === "bigint" ? String(BigInt(digits ?? 0)) : String(Number(digits));

function queryOf<K>(view: ViewShape, partition: Row, { from, to }: ListOptions<K>): Partial<QueryCommandInput> {
  const [first, second] = view.key;
  if (second === undefined) {
    throw definitionError({
      code: "view/list",
      message: `view("${view.name}") has a key of one column, and nothing to list by it.`,
      advice: "Ask for its rows by their keys.",
    });
  }
  const bound = (value: unknown): AttributeValue =>
    keyItem(view, { ...partition, [second.field]: value })[second.field]!;
  const sort = [
    ...(from === undefined ? [] : [[":from", bound(from)] as const]),
    ...(to === undefined ? [] : [[":to", bound(to)] as const]),
  ];
  const condition = sort.length === 2 ? "#s BETWEEN :from AND :to" : from === undefined ? "#s <= :to" : "#s >= :from";
  return {
    KeyConditionExpression: sort.length === 0 ? "#p = :p" : `#p = :p AND ${condition}`,
    ExpressionAttributeNames: { "#p": first!.field, ...(sort.length === 0 ? {} : { "#s": second.field }) },
    ExpressionAttributeValues: { ":p": keyItem(view, partition, 1)[first!.field]!, ...Object.fromEntries(sort) },
  };
}

/** Where a page ended: its sort key alone. The partition is asked for each time, so that no cursor leads to another one. */
const cursorOf = ({ key }: ViewShape, last: Item): string =>
  Buffer.from(JSON.stringify(last[key[1]!.field])).toString("base64url");

function startOf(view: ViewShape, partition: Row, cursor: string): Item {
  const [, second] = view.key;
  try {
    if (second !== undefined && cursor.length <= LONGEST_CURSOR) {
      const { S, N } = JSON.parse(Buffer.from(cursor, "base64url").toString()) as { S?: unknown; N?: unknown };
      const value = S ?? (second.type === "bigint" ? BigInt(N as string) : Number(N));
      return keyItem(view, { ...partition, [second.field]: value });
    }
  } catch {
    // Whatever it is, it was not given out here.
  }
  throw poisonError({ code: "view/cursor", message: "The cursor is none of this view." });
}

const badLimit = (limit: number) =>
  poisonError({ code: "view/limit", message: `A page has 1 to ${LARGEST_PAGE} rows, not ${String(limit)}.` });

const throttled = (table: string, keys: number) =>
  infrastructureError({ code: "view/throttled", message: `Table ${table} did not answer for ${keys} keys.` });
