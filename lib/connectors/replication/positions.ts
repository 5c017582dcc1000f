import {
  ConditionalCheckFailedException,
  PutItemCommand,
  QueryCommand,
  type AttributeValue,
  type DynamoDBClient,
} from "@aws-sdk/client-dynamodb";
import { compareSequences } from "../../state/position.ts";

/**
 * The table of positions: for a task's place in its source, how far its copies were. Key and sort key; the last is DynamoDB's
 * time to live.
 */
export const TASK = "task";
export const PLACE = "place";
export const EXPIRES = "$expires";
const EPOCH = "epoch";
const AT = "at";
const REACHED = "reached";

/** How long a line is kept: longer than dead letters are, which can be copied that much later. */
const KEPT_MILLIS = 30 * 24 * 3_600_000;

/** How far copies were in a partition of the other side. */
export interface Reached {
  /** Of the last copy: a sequence number or offset; −1 below all. */
  readonly position: string;
  /** When it was known to be there, by the clock of the process that sent it: epoch milliseconds. */
  readonly at: number;
}

/**
 * A line: what is at or below `place` in the source was copied, or set aside; and every copy of what is above it comes, in each
 * partition, after what was reached, and nowhere before `at`.
 */
export interface Line {
  /** A sequence number or offset of the source. */
  readonly place: string;
  readonly epoch: number;
  readonly at: number;
  readonly reached: ReadonlyMap<string, Reached>;
}

/** A task's lines, by its name and the sink's. */
export const lineKey = (task: string, sink: string): string => `${task}>${sink}`;

/** Decimal texts of any length, so that their order is that of the numbers. */
export const placeKey = (sequence: string): string => `${String(sequence.length).padStart(3, "0")}:${sequence}`;

export interface PositionTableSettings {
  readonly client: DynamoDBClient;
  readonly table: string;
}

/** Reads and writes lines. Each is written once, and never changed. */
export class PositionTable {
  readonly #settings: PositionTableSettings;

  constructor(settings: PositionTableSettings) {
    this.#settings = settings;
  }

  /** The line of the greatest place. @param upTo of those at or below a place */
  async last(key: string, upTo?: string): Promise<Line | undefined> {
    const { client, table } = this.#settings;
    const { Items } = await client.send(
      new QueryCommand({
        TableName: table,
        KeyConditionExpression: upTo === undefined ? "#t = :t" : "#t = :t AND #p <= :p",
        ExpressionAttributeNames: { "#t": TASK, ...(upTo !== undefined && { "#p": PLACE }) },
        ExpressionAttributeValues: { ":t": { S: key }, ...(upTo !== undefined && { ":p": { S: placeKey(upTo) } }) },
        ScanIndexForward: false,
        Limit: 1,
        ConsistentRead: true,
      }),
    );
    const [item] = Items ?? [];
    return item && lineOf(item);
  }

  /** @returns whether there was none of this place: of two, the first holds */
  async put(key: string, { place, epoch, at, reached }: Line): Promise<boolean> {
    const { client, table } = this.#settings;
    const entries = [...reached].map(([partition, one]): [string, AttributeValue] => [
      partition,
      { L: [{ S: one.position }, { N: String(one.at) }] },
    ]);
    try {
      await client.send(
        new PutItemCommand({
          TableName: table,
          Item: {
            [TASK]: { S: key },
            [PLACE]: { S: placeKey(place) },
            [EPOCH]: { N: String(epoch) },
            [AT]: { N: String(at) },
            [REACHED]: { M: Object.fromEntries(entries) },
            [EXPIRES]: { N: String(Math.ceil((at + KEPT_MILLIS) / 1_000)) },
          },
          ConditionExpression: "attribute_not_exists(#t)",
          ExpressionAttributeNames: { "#t": TASK },
        }),
      );
      return true;
    } catch (thrown) {
      if (thrown instanceof ConditionalCheckFailedException) return false;
      throw thrown;
    }
  }
}

function lineOf(item: Record<string, AttributeValue>): Line {
  const reached = Object.entries(item[REACHED]?.M ?? {}).map(([partition, { L }]): [string, Reached] => [
    partition,
    { position: L?.[0]?.S ?? "-1", at: Number(L?.[1]?.N) },
  ]);
  const key = item[PLACE]?.S ?? "";
  return {
    place: key.slice(key.indexOf(":") + 1),
    epoch: Number(item[EPOCH]?.N),
    at: Number(item[AT]?.N),
    reached: new Map(reached),
  };
}

/** Negative, zero or positive as a position is below, at or above another; −1 is below all. */
export const comparePlaces = (a: string, b: string): number =>
  a === "-1" || b === "-1" ? Number(b === "-1") - Number(a === "-1") : compareSequences(a, b);
