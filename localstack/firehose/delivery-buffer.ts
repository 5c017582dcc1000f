import type { Prefixes } from "./object-key.ts";

/** What will be one object: records that wait until they are enough or have waited long enough. */
export class DeliveryBuffer {
  readonly prefixes: Prefixes;
  /** When the oldest record came. */
  readonly oldestMillis: number;
  readonly records: Buffer[] = [];
  bytes = 0;
  /** Aborted when the records are taken. */
  readonly taken = new AbortController();

  constructor(prefixes: Prefixes, oldestMillis: number) {
    this.prefixes = prefixes;
    this.oldestMillis = oldestMillis;
  }

  add(record: Buffer): void {
    this.records.push(record);
    this.bytes += record.length;
  }
}
