import {
  ConditionalCheckFailedException,
  PutItemCommand,
  type DynamoDBClient,
  type PutItemCommandInput,
} from "@aws-sdk/client-dynamodb";
import { infrastructureError, messageOf, systemicError, type MillraceError } from "../../errors.ts";
import { InterruptedDelivery, type Delivery, type Refusal, type SinkWriter } from "../../runtime/sink-writer.ts";
import type { ViewDeclaration } from "./declare.ts";
import { lastWrites, type Write } from "./last-writes.ts";
import type { Item } from "./row.ts";
import { ID, VERSION } from "./version.ts";

/** So many puts are on their way at a time. (AWS: BatchWriteItem would take 25 in one request, and takes no conditions.) */
const PUTS_AT_A_TIME = 16;

/**
 * A put that is throttled is tried this often, each time after twice the wait: for about ten seconds in all. Giving up fails
 * the turn, and another goes on from there: patience is cheaper.
 */
const ATTEMPTS = 10;
const FIRST_WAIT_MILLIS = 50;
const LONGEST_WAIT_MILLIS = 2_000;

/** AWS: Error handling with DynamoDB. */
const THROTTLES: readonly unknown[] = [
  "ProvisionedThroughputExceededException",
  "RequestLimitExceeded",
  "ThrottlingException",
];

export interface ViewWriterSettings {
  readonly client: DynamoDBClient;
  readonly view: ViewDeclaration;
  readonly table: string;
  /** Epoch milliseconds. */
  readonly now: () => number;
  readonly wait: (millis: number) => Promise<void>;
}

interface Failure {
  readonly index: number;
  readonly cause: unknown;
}

/** Puts rows into a view's table, each unless there is a newer one (X8). Of a commit only the last row of a key is put. */
export class ViewWriter implements SinkWriter {
  readonly #settings: ViewWriterSettings;

  constructor(settings: ViewWriterSettings) {
    this.#settings = settings;
  }

  async deliver(deliveries: readonly Delivery[]): Promise<readonly Refusal[]> {
    const { view, now } = this.#settings;
    const writes = lastWrites(view, deliveries, Math.ceil((now() + view.keepRemoved) / 1_000));
    const waiting = writes.values();
    const refusals: (Refusal & { readonly index: number })[] = [];
    const failures: Failure[] = [];
    const putAll = async (): Promise<void> => {
      for (const write of waiting) {
        const { index } = write;
        try {
          const message = await this.#put(write);
          if (message !== undefined) refusals.push({ index, delivery: deliveries[index]!, message });
        } catch (cause) {
          failures.push({ index, cause });
        }
        // What follows is not tried: the next attempt goes on from here.
        if (failures.length > 0) return;
      }
    };
    await Promise.all(Array.from({ length: Math.min(PUTS_AT_A_TIME, writes.length) }, putAll));
    const [first] = failures.sort((a, b) => a.index - b.index);
    if (first === undefined) return refusals;
    // Puts begin in the order of their rows. So all before this one are done, or were left out for one that comes again.
    const done = refusals.filter(({ index }) => index < first.index);
    throw new InterruptedDelivery(first.index, first.cause, done);
  }

  /** @returns why the table refuses it for good */
  async #put(write: Write): Promise<string | undefined> {
    const { client, table, wait } = this.#settings;
    for (let attempt = 1; ; attempt++) {
      try {
        await client.send(new PutItemCommand({ TableName: table, ...this.#unlessNewer(write) }));
        return undefined;
      } catch (thrown) {
        if (thrown instanceof ConditionalCheckFailedException) {
          if (thrown.Item !== undefined) this.#refuseOthers(write, thrown.Item);
          return undefined; // there is a newer one, or this very one
        }
        const { name } = thrown as { readonly name?: unknown };
        if (name === "ValidationException" && /item size/i.test(messageOf(thrown))) return messageOf(thrown);
        if (attempt === ATTEMPTS || !THROTTLES.includes(name)) throw failed(this.#settings, thrown, name);
      }
      await wait(Math.min(FIRST_WAIT_MILLIS * 2 ** (attempt - 1), LONGEST_WAIT_MILLIS));
    }
  }

  /** The condition is met by nothing, and by what is older: of rows of other stages nothing else tells which these are. */
  #unlessNewer({ item, origin }: Write): Omit<PutItemCommandInput, "TableName"> {
    const { version } = this.#settings.view;
    return {
      Item: item,
      ReturnValuesOnConditionCheckFailure: "ALL_OLD",
      ...(version === undefined
        ? {
            ConditionExpression: "attribute_not_exists(#v) OR #v < :g OR (#v < :v AND begins_with(#i, :w))",
            ExpressionAttributeNames: { "#v": VERSION, "#i": ID },
            ExpressionAttributeValues: {
              ":v": { S: origin.version },
              ":g": { S: origin.generation },
              ":w": { S: origin.writers },
            },
          }
        : {
            ConditionExpression: "attribute_not_exists(#v) OR #v < :v",
            ExpressionAttributeNames: { "#v": VERSION },
            ExpressionAttributeValues: { ":v": { S: origin.version } },
          }),
    };
  }

  /** @throws systemic error `view/other-writer` where another stage has written the key */
  #refuseOthers({ origin }: Write, found: Item): void {
    const { view, table } = this.#settings;
    const [id = "", newer = ""] = [found[ID]?.S, found[VERSION]?.S];
    // One of a later generation is newer, whoever wrote it: this task's own is over.
    if (view.version !== undefined || id.startsWith(origin.writers) || !newer.startsWith(origin.generation)) return;
    throw systemicError({
      code: "view/other-writer",
      message: `Table ${table} of view("${view.name}") has a row that another stage wrote (${id}), and which of two stages' rows is newer nothing tells.`,
      advice:
        "If the stage was renamed, raise the generation. If two pipelines or stages write the view, give each its own, or give it a version.",
    });
  }
}

function failed({ table, view }: ViewWriterSettings, cause: unknown, name: unknown): MillraceError {
  const details = { code: "view/put", message: `Table ${table} of view("${view.name}"): ${messageOf(cause)}`, cause };
  if (name !== "ValidationException" && name !== "ResourceNotFoundException") return infrastructureError(details);
  return systemicError({ ...details, advice: "Its key must be the view's, by names and types, and it must be there." });
}
