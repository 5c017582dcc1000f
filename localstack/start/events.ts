import type { Database } from "./database.ts";
import type { FeedEvent } from "./feed.ts";

/** Kinesis bills a record by started units of 25 KB (pricing page: "PUT Payload Unit"). */
const PUT_UNIT = 25 * 1_024;

/** A demo's events as they are pushed, read as they are needed. */
export class Events {
  readonly #database: Database;
  readonly #sql: string;
  #putUnits = 0;
  #first: FeedEvent | undefined;

  constructor(database: Database, sql: string) {
    this.#database = database;
    this.#sql = sql;
  }

  /** PUT units of the events read so far. */
  get putUnits(): number {
    return this.#putUnits;
  }

  /** The first event, once it was read. */
  get first(): FeedEvent | undefined {
    return this.#first;
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<FeedEvent> {
    for await (const [numbers, keys, events] of this.#database.chunks(
      `SELECT n, partition_key, event FROM (${this.#sql})`,
    )) {
      if (numbers === undefined || keys === undefined || events === undefined)
        throw new Error("Events have n, partition_key and event.");
      for (let i = 0; i < numbers.length; i++) {
        const event = String(events[i]);
        this.#putUnits += Math.ceil(Buffer.byteLength(event) / PUT_UNIT);
        const next = { n: Number(numbers[i]), partitionKey: String(keys[i]), event };
        this.#first ??= next;
        yield next;
      }
    }
  }
}
