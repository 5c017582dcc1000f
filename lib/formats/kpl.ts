import { createHash } from "node:crypto";

/** What an aggregated record begins with (AWS: KPL aggregated record format). No JSON text does. */
const MAGIC = Buffer.of(0xf3, 0x89, 0x9a, 0xc2);
const DIGEST_BYTES = 16;

/** A user's record, one of those that an aggregated record holds. */
export interface AggregatedRecord {
  readonly partitionKey: string;
  readonly hasExplicitHashKey: boolean;
  /** Shares the memory of what it came in. */
  readonly data: Buffer;
}

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
    if (field === 1 && typeof value !== "number") keys.push(value.toString("utf8"));
    else if (field === 3 && typeof value !== "number") records.push(value);
  }
  return records.map((record) => parseRecord(record, keys));
}

/** Why an aggregated record cannot be read. */
export class KplError extends Error {
  override readonly name = "KplError";
}

function parseRecord(record: Buffer, keys: readonly string[]): AggregatedRecord {
  let partitionKey: string | undefined;
  let hasExplicitHashKey = false;
  let data: Buffer | undefined;
  for (const [field, value] of fieldsOf(record)) {
    if (field === 1 && typeof value === "number") partitionKey = keys[value];
    else if (field === 2) hasExplicitHashKey = true;
    else if (field === 3 && typeof value !== "number") data = value;
  }
  if (partitionKey === undefined || data === undefined) throw new KplError("A record in it lacks its key or its data.");
  return { partitionKey, hasExplicitHashKey, data };
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
