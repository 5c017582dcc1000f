import { firstRecord } from "../first-record.ts";
import type { ShardRecord } from "./shard-records.ts";

/**
 * Reads the texts of a mapping's events without JSON.parse. Records of one stream differ in a few values; what stands around
 * them is the same for all, so that one regular expression tells whether a record is of this kind, and finds its values.
 *
 * What it does not read it leaves to JSON.parse, of which it learns what records look like.
 */
export class EventTextReader {
  /** A record that others look like, and what tells whether they do. */
  #like: KinesisRecord | undefined = undefined;
  #pattern = new RegExp(NOTHING, "y");
  /** Which of the pattern's groups a value is. */
  #group: Readonly<Record<Value, number>> = { partitionKey: 1, sequence: 2, base64: 3, seconds: 4, shard: 5 };
  #bytes = Buffer.alloc(0);

  /**
   * The records of an event, if its text is of the kind that was learned, and nothing else: no other value than that of its
   * records is in it.
   */
  read(text: string): EventRecords | undefined {
    const { length } = text;
    const like = this.#like;
    const isAscii = Buffer.byteLength(text) === length;
    if (like === undefined || !isAscii || !text.startsWith(OPENS) || !text.endsWith(CLOSES)) return undefined;
    if (this.#bytes.length < length) this.#bytes = Buffer.allocUnsafeSlow(length);
    this.#bytes.write(text, "latin1");
    const records = this.#records(OPENS.length, length - CLOSES.length);
    return records && { like, records };
  }

  /**
   * Values are parts of pieces of the text, each of which is read by itself: those of one large text would keep it in memory
   * until the collector goes through all of it, as V8 has large objects grow old at once.
   */
  #records(start: number, end: number): readonly ShardRecord[] | undefined {
    const pattern = this.#pattern;
    const group = this.#group;
    const records: ShardRecord[] = [];
    let shard = ""; // the same text for all that have the same
    let size = PIECE;
    for (let from = start; ;) {
      const piece = this.#bytes.toString("latin1", from, Math.min(end, from + size));
      let at = 0;
      for (;;) {
        pattern.lastIndex = at;
        const found = pattern.exec(piece);
        if (found === null) break;
        const partition = found[group.shard]!;
        if (partition !== shard) shard = copyOf(partition);
        records.push({
          position: { sequence: found[group.sequence]!, index: 0 },
          arrival: Math.round(Number(found[group.seconds]) * 1_000),
          partitionKey: found[group.partitionKey]!,
          base64: found[group.base64]!,
          partition: shard,
        });
        at = pattern.lastIndex;
        if (from + at === end) return released(records);
        if (this.#bytes[from + at++] !== COMMA) return undefined;
      }
      if (from + piece.length === end) return undefined;
      size = at === 0 ? size * 4 : PIECE;
      from += at;
    }
  }

  /** Learns what records look like from those of an event that was not read. */
  learn(event: unknown): void {
    const first = firstRecord(event);
    const pattern = first && patternOf(first);
    if (pattern === undefined || pattern.source === this.#pattern.source) return;
    this.#pattern = new RegExp(pattern.source, "y");
    const of = (value: Value) => pattern.values.indexOf(value) + 1;
    this.#group = {
      partitionKey: of("partitionKey"),
      sequence: of("sequence"),
      base64: of("base64"),
      seconds: of("seconds"),
      shard: of("shard"),
    };
    this.#like = JSON.parse(JSON.stringify(first)) as KinesisRecord;
  }
}

/** What an event's text says. */
export interface EventRecords {
  readonly records: readonly ShardRecord[];
  /** One that all look like. */
  readonly like: KinesisRecord;
}

/** A record as Lambda has it in an event, with whatever else is in it. */
interface KinesisRecord {
  readonly kinesis: object;
  readonly eventSourceARN?: unknown;
}

/** The records as JSON.parse has them. */
export const asParsed = ({ records, like }: EventRecords): readonly KinesisRecord[] =>
  records.map(({ position, arrival, partitionKey, base64, partition }) => {
    const { sequence } = position;
    const parsed = structuredClone(like);
    Object.assign(parsed, { eventID: `${partition}:${sequence}` });
    Object.assign(parsed.kinesis, {
      ...{ partitionKey, sequenceNumber: sequence, data: base64 },
      approximateArrivalTimestamp: arrival / 1_000, // the same number, as it has three decimals at the most
    });
    return parsed;
  });

const OPENS = '{"Records":[';
const CLOSES = "]}";
const COMMA = 0x2c;

/** Characters that are read at a time; more where a record is larger. */
const PIECE = 1 << 15;

/** What differs from record to record, in the order in which it comes first: each has a group of the pattern. */
type Value = "partitionKey" | "sequence" | "base64" | "seconds" | "shard";

interface RecordPattern {
  readonly source: string;
  readonly values: readonly Value[];
}

/** A record with a longer pattern is none of Lambda's. */
const LONGEST_PATTERN = 8_192;

const TEXT = String.raw`[^"\\\x00-\x1f]*`;

/** A pattern of records that have all but these values in common with one; nothing where it has not all of them. */
function patternOf(record: object): RecordPattern | undefined {
  const values: Value[] = [];
  const group = (value: Value, pattern: string): string => {
    const before = values.indexOf(value);
    if (before >= 0) return `\\${before + 1}`;
    values.push(value);
    return `(${pattern})`;
  };
  const sequence = () => group("sequence", String.raw`0|[1-9]\d{0,128}`);
  const patternIn = new Map([
    ["kinesis partitionKey", () => `"${group("partitionKey", TEXT)}"`],
    ["kinesis sequenceNumber", () => `"${sequence()}"`],
    ["kinesis data", () => `"${group("base64", TEXT)}"`],
    ["kinesis approximateArrivalTimestamp", () => group("seconds", String.raw`(?:0|[1-9]\d{0,11})(?:\.\d{1,3})?`)],
    ["record eventID", () => `"${group("shard", String.raw`[\w.-]{1,128}`)}:${sequence()}"`],
  ]);
  const object = (of: "record" | "kinesis", fields: object): string => {
    const all = Object.entries(fields).map(([name, value]) => {
      const pattern = patternIn.get(`${of} ${name}`)?.() ?? patternOfValue(of, name, value);
      return `${literal(name)}:${pattern}`;
    });
    return String.raw`\{${all.join()}\}`;
  };
  const patternOfValue = (of: "record" | "kinesis", name: string, value: unknown): string => {
    if (!isObject(value)) return literal(value);
    return of === "record" && name === "kinesis" ? object("kinesis", value) : NOTHING;
  };
  const source = object("record", record);
  return values.length === 5 && source.length <= LONGEST_PATTERN ? { source, values } : undefined;
}

const isObject = (value: unknown): value is object => typeof value === "object" && value !== null;

/** What no text has. */
const NOTHING = "(?!)";

/** A value's JSON as a pattern. */
const literal = (value: unknown): string => JSON.stringify(value).replaceAll(/[\\^$.*+?()[\]{}|/]/g, String.raw`\$&`);

/** The same text by itself: a part of another keeps that one in memory. */
const copyOf = (text: string): string => Buffer.from(text, "latin1").toString("latin1");

/** A task keeps the last position: not the piece of text that it came in. */
function released(records: ShardRecord[]): readonly ShardRecord[] {
  const last = records.at(-1)!;
  records[records.length - 1] = { ...last, position: { sequence: copyOf(last.position.sequence), index: 0 } };
  return records;
}
