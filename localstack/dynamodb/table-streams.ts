import { randomUUID } from "node:crypto";
import type { Clock } from "../clock.ts";
import { LocalStackError } from "../errors.ts";
import type { JsonClient } from "../gateway/json-client.ts";
import { itemBytes } from "../gateway/item-size.ts";
import { account } from "../template/account.ts";
import type { ResolvedResource } from "../template/resolve-template.ts";
import { isRecord } from "../template/template-file.ts";
import { TableShard, type Item, type TableRecord } from "./table-shard.ts";
import { writtenItems, type WrittenItem } from "./written-items.ts";

/** Who writes, where it is a service: time to live deletes as DynamoDB itself. */
export type ServiceIdentity = NonNullable<TableRecord["userIdentity"]>;

export const TIME_TO_LIVE: ServiceIdentity = { PrincipalId: "dynamodb.amazonaws.com", Type: "Service" };

/** Sequence numbers of DynamoDB have 21 digits and more, and rise along a table's stream. */
const FIRST_SEQUENCE = 100_000_000_000_000_000_000n;

/** The stream of one table. */
export interface TableStream {
  readonly table: string;
  readonly arn: string;
  readonly viewType: string;
  /** The names of the key's attributes, that of the partition key first. */
  readonly keys: readonly string[];
  readonly shards: TableShard[];
}

/** Told of a stream's ARN, the shard and how many records it took. */
export type TableListener = (arn: string, shardId: string, count: number) => void;

/**
 * Streams of tables, which the emulator has not: who writes through this leaves a record for each item that is another than
 * before, exactly once and in the order of the item's changes.
 */
export class TableStreams {
  private readonly client: JsonClient;
  private readonly clock: Clock;
  private readonly onRecords: TableListener;
  private readonly onRoll: (arn: string) => void;
  private readonly streams = new Map<string, TableStream>();
  private sequence = FIRST_SEQUENCE;
  private last: Promise<unknown> = Promise.resolve();

  constructor(client: JsonClient, clock: Clock, onRecords: TableListener, onRoll: (arn: string) => void) {
    this.client = client;
    this.clock = clock;
    this.onRecords = onRecords;
    this.onRoll = onRoll;
  }

  /** Whether any table has one. */
  get hasAny(): boolean {
    return this.streams.size > 0;
  }

  /** Gives a table a stream, if its template says so. */
  add({ name, arn, properties }: ResolvedResource): void {
    const specification = properties["StreamSpecification"];
    const viewType = isRecord(specification) ? specification["StreamViewType"] : undefined;
    if (typeof viewType !== "string") return;
    const keys = (properties["KeySchema"] as readonly { readonly AttributeName: string; readonly KeyType: string }[])
      .toSorted((a, b) => (a.KeyType < b.KeyType ? -1 : 1)) // HASH, RANGE
      .map(({ AttributeName }) => AttributeName);
    this.streams.set(name, {
      table: name,
      arn: streamArn(arn!),
      viewType,
      keys,
      shards: [new TableShard(undefined, FIRST_SEQUENCE, 0, 256)],
    });
  }

  /** @throws LocalStackError for an ARN that is none of a table's stream */
  of(arn: string): TableStream {
    const stream = [...this.streams.values()].find((one) => one.arn === arn);
    if (stream !== undefined) return stream;
    throw new LocalStackError("ResourceNotFoundException", `Requested resource not found: Stream: ${arn} not found`);
  }

  /**
   * Carries out a write, and records what it changed. Writes of tables with streams come one after the other.
   *
   * @param send carries it out; what it changed is recorded also where it fails, or its answer is lost
   */
  async write<T>(operation: string, input: unknown, send: () => Promise<T>, by?: ServiceIdentity): Promise<T> {
    const items = writtenItems(operation, input, (table) => this.streams.get(table)?.keys);
    if (items.length === 0) return send();
    const turn = this.last.then(async () => {
      const before = await this.read(items);
      try {
        return await send();
      } finally {
        const after = await this.read(items);
        items.forEach((item, i) => this.append(item, before[i], after[i], by));
      }
    });
    this.last = turn.catch(() => undefined);
    return turn;
  }

  /** Closes every open shard of a table's stream, as DynamoDB does about every four hours; each has this many children. */
  roll(table: string, children = 1): void {
    const stream = this.streams.get(table);
    if (stream === undefined) throw new LocalStackError("ResourceNotFoundException", `${table} has no stream`);
    const open = stream.shards.filter(({ end }) => end === undefined);
    for (const shard of open) stream.shards.push(...shard.close(this.sequence, children));
    // No number stands in a shard and its children.
    this.sequence += 1n;
    this.onRoll(stream.arn);
  }

  private async read(items: readonly WrittenItem[]): Promise<readonly (Item | undefined)[]> {
    return Promise.all(
      items.map(async ({ table, key }) => {
        const input = { TableName: table, Key: key, ConsistentRead: true };
        return ((await this.client.call("GetItem", input)) as { readonly Item?: Item }).Item;
      }),
    );
  }

  private append(
    { table, key }: WrittenItem,
    before: Item | undefined,
    after: Item | undefined,
    by: ServiceIdentity | undefined,
  ): void {
    if (textOf(before) === textOf(after)) return;
    const { arn, viewType, keys, shards } = this.streams.get(table)!;
    const has = (view: string) => viewType === view || viewType === "NEW_AND_OLD_IMAGES";
    const images = {
      ...(after !== undefined && has("NEW_IMAGE") && { NewImage: after }),
      ...(before !== undefined && has("OLD_IMAGE") && { OldImage: before }),
    };
    this.sequence += 1n;
    const shard = shards.find((one) => one.end === undefined && one.takes(key[keys[0]!]))!;
    shard.records.push({
      eventID: randomUUID().replaceAll("-", ""),
      eventName: before === undefined ? "INSERT" : after === undefined ? "REMOVE" : "MODIFY",
      eventVersion: "1.1",
      eventSource: "aws:dynamodb",
      awsRegion: account.region,
      dynamodb: {
        ApproximateCreationDateTime: Math.floor(this.clock.now() / 1_000),
        Keys: key,
        ...images,
        SequenceNumber: String(this.sequence),
        SizeBytes: itemBytes(key) + itemBytes(before ?? {}) + itemBytes(after ?? {}),
        StreamViewType: viewType,
      },
      ...(by !== undefined && { userIdentity: by }),
    });
    this.onRecords(arn, shard.id, 1);
  }
}

/** What the template resolver calls the stream of a table. */
const streamArn = (tableArn: string): string => `${tableArn}/stream/2001-01-01T00:00:00.000`;

/** An item as one text, whatever the order of its attributes. */
function textOf(value: unknown): string {
  return JSON.stringify(value, (_name, inner: unknown) =>
    isRecord(inner) ? Object.fromEntries(Object.entries(inner).toSorted(([a], [b]) => (a < b ? -1 : 1))) : inner,
  );
}
