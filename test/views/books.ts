import { CreateTableCommand, DynamoDBClient, QueryCommand, type AttributeValue } from "@aws-sdk/client-dynamodb";
import { bigint, nullable, text, timestamp, view } from "millrace";
import type { ViewDeclaration } from "../../lib/connectors/view/declare.ts";
import { ViewWriter } from "../../lib/connectors/view/deliver.ts";
import { rowOf } from "../../lib/connectors/view/row.ts";
import type { Delivery } from "../../lib/runtime/sink-writer.ts";
import { startDynamoDb, type Emulator } from "../support/emulators.ts";

export const TABLE = "entries";
const key = { book: text, entry: text };
export const entries = view("entries", { key, columns: { n: bigint, note: nullable(text) } });
export const dated = view("dated", { key, columns: { n: bigint, at: timestamp }, version: "at" });

let emulator: Emulator;
export let client: DynamoDBClient;
/** @param key the partition key's name and type, and the sort key's */
export const createTable = (TableName: string, key: readonly (readonly [name: string, type: "S" | "N"])[]) =>
  client.send(
    new CreateTableCommand({
      TableName,
      AttributeDefinitions: key.map(([AttributeName, AttributeType]) => ({ AttributeName, AttributeType })),
      KeySchema: key.map(([AttributeName], i) => ({ AttributeName, KeyType: i === 0 ? "HASH" : "RANGE" })),
      BillingMode: "PAY_PER_REQUEST",
    }),
  );

/** Starts dynalite, with the table. */
export async function open(): Promise<void> {
  emulator = await startDynamoDb();
  client = new DynamoDBClient({
    endpoint: emulator.endpoint,
    region: "us-east-1",
    credentials: { accessKeyId: "local", secretAccessKey: "local" },
    maxAttempts: 1,
  });
  await createTable(TABLE, [
    ["book", "S"],
    ["entry", "S"],
  ]);
}

export async function close(): Promise<void> {
  client?.destroy();
  await emulator?.stop();
}

/** A book, which is a partition of the table, for each run: none sees another's rows. */
let books = 0;
export const newBook = (): string => `book-${books++}`;

export const NOW = Date.UTC(2001, 0, 1);

export function writerOf(
  sink: object,
  { send, waits = [], table = TABLE }: { send?: DynamoDBClient["send"]; waits?: number[]; table?: string } = {},
) {
  return new ViewWriter({
    client: send === undefined ? client : Object.assign(Object.create(client) as DynamoDBClient, { send }),
    view: sink as ViewDeclaration,
    table,
    now: () => NOW,
    wait: (millis) => Promise.resolve(void waits.push(millis)),
  });
}

export async function itemsOf(book: string): Promise<readonly Record<string, AttributeValue>[]> {
  const { Items = [] } = await client.send(
    new QueryCommand({
      TableName: TABLE,
      ConsistentRead: true,
      KeyConditionExpression: "book = :b",
      ExpressionAttributeValues: { ":b": { S: book } },
    }),
  );
  return Items;
}

/** What a reader sees: entries that are not removed, with what they hold. */
export async function rowsOf(book: string): Promise<Readonly<Record<string, unknown>>> {
  const items = await itemsOf(book);
  return Object.fromEntries(
    items.flatMap((item) => (item["$removed"] ? [] : [[item["entry"]!.S!, rowOf(entries, item)["n"]]])),
  );
}

export interface Change {
  readonly entry: string;
  /** Undefined where the entry is removed. */
  readonly n: number | undefined;
}

/** A commit of a task with its outputs to the view. */
export interface Commit {
  readonly task: string;
  readonly generation: number;
  readonly epoch: number;
  readonly changes: readonly Change[];
}

export const bodyOf = (book: string, { entry, n }: Change): string =>
  entries.encode((n === undefined ? { book, entry, removed: true } : { book, entry, n }) as never);

export const deliveriesOf = (book: string, { task, epoch, changes }: Commit): readonly Delivery[] =>
  changes.map((change, n) => ({ id: `${task}@${epoch}#${n}`, body: bodyOf(book, change) }));

/** Every key's last output, in the order of the commits. */
export function fold(commits: readonly Commit[]): Readonly<Record<string, number>> {
  const rows = new Map<string, number>();
  const inOrder = commits.toSorted((a, b) => a.generation - b.generation); // stable
  for (const { entry, n } of inOrder.flatMap(({ changes }) => changes)) {
    if (n === undefined) rows.delete(entry);
    else rows.set(entry, n);
  }
  return Object.fromEntries(rows);
}
