import { OPENS, patternOf, recordLike, type EventPattern, type KinesisRecord } from "./event-pattern.ts";
import type { ShardRecord } from "./shard-records.ts";

/** What an event's text says. */
export interface EventRecords {
  readonly records: readonly ShardRecord[];
  /** One that all look like. */
  readonly like: KinesisRecord;
}

/** The records as JSON.parse has them. */
export const asParsed = ({ records, like }: EventRecords): readonly KinesisRecord[] =>
  records.map(({ position: { sequence }, arrival, partitionKey, base64, partition: shard }) =>
    // The same number of seconds, as it has three decimals at the most.
    recordLike(like, { partitionKey, sequence, base64, seconds: arrival / 1_000, shard }),
  );

const CLOSES = "]}";
const COMMA = 0x2c;

/** After so many texts one after the other that began as events of the stream do, and were not read, none is tried for a while. */
const MISSES = 4;
const REST = 64;

/**
 * Reads the texts of a mapping's events without JSON.parse. Records of one stream differ in a few values; what stands around
 * them is the same for all, so that one regular expression tells whether a record is of this kind, and finds its values.
 *
 * What it does not read is left to JSON.parse.
 */
export class EventTextReader {
  #pattern: EventPattern | undefined = undefined;
  #misses = 0;
  #rest = 0;

  /** Learns what records look like: from one of the stream that the function reads, and nothing else. */
  learn(record: KinesisRecord): void {
    const pattern = patternOf(record);
    if (pattern === undefined || pattern.record.source === this.#pattern?.record.source) return;
    this.#pattern = pattern;
    this.#misses = 0;
    this.#rest = 0;
  }

  /**
   * The records of an event, if its text is of the kind that was learned, and nothing else: no other value than that of its
   * records is in it.
   */
  read(text: string): EventRecords | undefined {
    const pattern = this.#pattern;
    if (pattern === undefined || !text.startsWith(pattern.begins)) return undefined;
    if (this.#rest > 0) {
      this.#rest--;
      return undefined;
    }
    const records = recordsIn(text, pattern);
    if (records !== undefined) this.#misses = 0;
    else if (++this.#misses >= MISSES) this.#rest = REST;
    return records && { like: pattern.like, records };
  }
}

/** Nothing where any of them has not the pattern. */
function recordsIn(text: string, { record, group }: EventPattern): readonly ShardRecord[] | undefined {
  const end = text.length - CLOSES.length;
  if (!text.endsWith(CLOSES)) return undefined;
  const records: ShardRecord[] = [];
  let shard = ""; // the same text for all that have the same
  for (let at = OPENS.length; ; at++) {
    record.lastIndex = at;
    const found = record.exec(text);
    if (found === null) return undefined;
    const partition = found[group.shard]!;
    if (partition !== shard) {
      release(records);
      shard = copyOf(partition);
    }
    records.push({
      position: { sequence: found[group.sequence]!, index: 0 },
      arrival: Math.round(Number(found[group.seconds]) * 1_000),
      partitionKey: unescaped(found[group.partitionKey]!),
      base64: found[group.base64]!,
      partition: shard,
    });
    at = record.lastIndex;
    if (at === end) {
      release(records);
      return records;
    }
    if (text.charCodeAt(at) !== COMMA) return undefined;
  }
}

const unescaped = (text: string): string => (text.includes("\\") ? text.replaceAll(/\\(.)/g, "$1") : text);

/** The same text by itself: a part of another keeps that one in memory. */
const copyOf = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

/** A task keeps the position of its last record: not the piece of text that it came in. */
function release(records: ShardRecord[]): void {
  const last = records.at(-1);
  if (last === undefined) return;
  records[records.length - 1] = { ...last, position: { sequence: copyOf(last.position.sequence), index: 0 } };
}
