/** What a put is billed by: PUT payload units of 25 KB, each begun one counts (AWS: Kinesis Data Streams pricing). */
export const PUT_UNIT_BYTES = 25 * 1_024;

/** us-east-1, provisioned, read on 2026-11-22. On-demand streams are billed by the gigabyte instead. */
const DOLLARS_PER_MILLION_UNITS = 0.014;

/** What a producer has put, and what it would have been as one record an event, as it was. */
export interface Savings {
  readonly events: number;
  /** Bytes of the events as JSON, partition keys included. */
  readonly eventBytes: number;
  readonly records: number;
  /** Bytes of the records, partition keys included: what counts against a shard's megabyte a second. */
  readonly recordBytes: number;
  readonly putUnits: number;
  readonly putUnitsUnpacked: number;
  /** Dollars of put units that were saved, at the price of provisioned streams in us-east-1. */
  readonly dollarsSaved: number;
}

export class SavingsCounter {
  #events = 0;
  #eventBytes = 0;
  #records = 0;
  #recordBytes = 0;
  #putUnits = 0;
  #putUnitsUnpacked = 0;

  /** @param sizes bytes of each event of it as JSON and of its partition key */
  record(recordBytes: number, sizes: readonly number[]): void {
    this.#records++;
    this.#recordBytes += recordBytes;
    this.#putUnits += unitsOf(recordBytes);
    for (const size of sizes) {
      this.#events++;
      this.#eventBytes += size;
      this.#putUnitsUnpacked += unitsOf(size);
    }
  }

  get(): Savings {
    return {
      events: this.#events,
      eventBytes: this.#eventBytes,
      records: this.#records,
      recordBytes: this.#recordBytes,
      putUnits: this.#putUnits,
      putUnitsUnpacked: this.#putUnitsUnpacked,
      dollarsSaved: ((this.#putUnitsUnpacked - this.#putUnits) * DOLLARS_PER_MILLION_UNITS) / 1_000_000,
    };
  }
}

const unitsOf = (bytes: number): number => Math.max(1, Math.ceil(bytes / PUT_UNIT_BYTES));
