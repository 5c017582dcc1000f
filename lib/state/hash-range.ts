import { createHash } from "node:crypto";

/** MD5 of a partition key: 32 hexadecimal digits, so that texts compare as numbers do. */
export type KeyHash = string;

/** The hashes from `from` to `to`, both included. */
export interface HashRange {
  readonly from: KeyHash;
  readonly to: KeyHash;
}

export const WHOLE_RANGE: HashRange = { from: "0".repeat(32), to: "f".repeat(32) };

/** Hashes of the keys seen last: a batch has the same few keys many times, and MD5 costs more than the rest of a look-up. */
const known = new Map<string, KeyHash>();

/** So many are known at most, of keys of a usual length. */
const MOST_KNOWN = 4_096;
const MOST_LENGTH = 256;

/** What Kinesis chooses a record's shard by. */
export function hashOf(partitionKey: string): KeyHash {
  const before = known.get(partitionKey);
  if (before !== undefined) return before;
  const hash = createHash("md5").update(partitionKey).digest("hex");
  if (partitionKey.length > MOST_LENGTH) return hash;
  if (known.size >= MOST_KNOWN) known.clear();
  known.set(partitionKey, hash);
  return hash;
}

/** A range as Kinesis writes it: two decimal numbers below 2^128. */
export const hashRange = (from: string, to: string): HashRange => ({ from: digits(from), to: digits(to) });

export const isWithin = ({ from, to }: HashRange, hash: KeyHash): boolean => from <= hash && hash <= to;

export const overlap = (a: HashRange, b: HashRange): boolean => a.from <= b.to && b.from <= a.to;

const digits = (decimal: string): string => BigInt(decimal).toString(16).padStart(32, "0");
