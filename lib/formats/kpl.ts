import { createHash } from "node:crypto";

/** What an aggregated record begins with (AWS: KPL aggregated record format). No JSON text does. */
const MAGIC = Buffer.of(0xf3, 0x89, 0x9a, 0xc2);
const DIGEST_BYTES = 16;
/** 256 characters of UTF-8 (AWS: Kinesis API reference, PutRecord). */
const MAX_KEY_BYTES = 1_024;

/** A user's record, one of those that an aggregated record holds. */
export interface AggregatedRecord {
  readonly partitionKey: string;
  readonly hasExplicitHashKey: boolean;
  /** Shares the memory of what it came in. */
  readonly data: Buffer;
  /** What goes with it beside its data, in its order. */
  readonly tags: readonly Tag[];
}

/** The KPL has them in its format, gives its users none, and readers pass over them: room for what a payload must not hold. */
export type Tag = readonly [key: string, value: string | undefined];

/**
 * The records in an aggregated record of the Kinesis Producer Library; undefined when it is none. As the KCL, it takes for
 * none what has the magic number and not its digest.
 *
 * @throws KplError where the digest is right and the rest is not
 */
export function deaggregate(bytes: Buffer): readonly AggregatedRecord[] | undefined {
  if (bytes.length < MAGIC.length + DIGEST_BYTES || !bytes.subarray(0, MAGIC.length).equals(MAGIC)) return undefined;
  const message = bytes.subarray(MAGIC.length, -DIGEST_BYTES);
  if (!createHash("md5").update(message).digest().equals(bytes.subarray(-DIGEST_BYTES))) return undefined;
  const keys: string[] = [];
  const records: Buffer[] = [];
  for (const [field, value] of fieldsOf(message)) {
    if (field === 1 && typeof value !== "number") keys.push(partitionKeyIn(value));
    else if (field === 3 && typeof value !== "number") records.push(value);
  }
  return records.map((record) => parseRecord(record, keys));
}

/** Many records may share a key, and each has it: one that is longer than keys are would take more memory than there is. */
function partitionKeyIn(bytes: Buffer): string {
  if (bytes.length > MAX_KEY_BYTES) throw new KplError("A partition key in it is longer than Kinesis takes one.");
  return bytes.toString("utf8");
}

/** One record for several, as the KPL writes it: whatever reads those of the KPL reads each with its own key. */
export function aggregate(records: readonly Omit<AggregatedRecord, "hasExplicitHashKey">[]): Buffer {
  const keys = [...new Set(records.map(({ partitionKey }) => partitionKey))];
  const indexes = new Map(keys.map((key, index) => [key, index]));
  const message = Buffer.concat([
    ...keys.map((key) => field(1, Buffer.from(key))),
    ...records.map(({ partitionKey, data, tags }) =>
      field(
        3,
        Buffer.concat([
          Buffer.of(1 << 3),
          varint(indexes.get(partitionKey)!),
          field(3, data),
          ...tags.map(([key, value]) => field(4, tagBytes(key, value))),
        ]),
      ),
    ),
  ]);
  return Buffer.concat([MAGIC, message, createHash("md5").update(message).digest()]);
}

const tagBytes = (key: string, value: string | undefined): Buffer =>
  Buffer.concat([field(1, Buffer.from(key)), ...(value === undefined ? [] : [field(2, Buffer.from(value))])]);

/** A field of bytes. */
const field = (number: number, bytes: Buffer): Buffer =>
  Buffer.concat([Buffer.of(number * 8 + 2), varint(bytes.length), bytes]);

function varint(number: number): Buffer {
  const bytes: number[] = [];
  let rest = number;
  for (; rest >= 0x80; rest = Math.floor(rest / 0x80)) bytes.push((rest % 0x80) | 0x80);
  return Buffer.from([...bytes, rest]);
}

/** Why an aggregated record cannot be read. */
export class KplError extends Error {
  override readonly name = "KplError";
}

function parseRecord(record: Buffer, keys: readonly string[]): AggregatedRecord {
  let partitionKey: string | undefined;
  let hasExplicitHashKey = false;
  let data: Buffer | undefined;
  const tags: Tag[] = [];
  for (const [field, value] of fieldsOf(record)) {
    if (field === 1 && typeof value === "number") partitionKey = keys[value];
    else if (field === 2) hasExplicitHashKey = true;
    else if (field === 3 && typeof value !== "number") data = value;
    else if (field === 4 && typeof value !== "number") tags.push(parseTag(value));
  }
  if (partitionKey === undefined || data === undefined) throw new KplError("A record in it lacks its key or its data.");
  return { partitionKey, hasExplicitHashKey, data, tags };
}

function parseTag(tag: Buffer): Tag {
  let key = "";
  let text: string | undefined;
  for (const [field, value] of fieldsOf(tag)) {
    if (typeof value === "number") continue;
    if (field === 1) key = value.toString("utf8");
    else if (field === 2) text = value.toString("utf8");
  }
  return [key, text];
}

/** The fields of a message of protocol buffers, in their order: varints as numbers, the rest as bytes. */
function* fieldsOf(message: Buffer): Generator<readonly [field: number, value: number | Buffer]> {
  let at = 0;
  const varint = (): number => {
    let number = 0;
    for (let i = 0; i < 8; i++) {
      const byte = message[at++];
      if (byte === undefined) break;
      number += (byte & 0x7f) * 2 ** (7 * i);
      if (byte < 0x80) return number;
    }
    throw new KplError("A number in it does not end.");
  };
  const bytes = (size: number): Buffer => {
    if (size > message.length - at) throw new KplError("A field in it is longer than the rest.");
    return message.subarray(at, (at += size));
  };
  while (at < message.length) {
    const tag = varint();
    const field = Math.floor(tag / 8);
    const wireType = tag % 8;
    if (wireType === 0) yield [field, varint()];
    else if (wireType === 2) yield [field, bytes(varint())];
    else if (wireType === 1) yield [field, bytes(8)];
    else if (wireType === 5) yield [field, bytes(4)];
    else throw new KplError(`A field in it is of wire type ${wireType}.`);
  }
}
