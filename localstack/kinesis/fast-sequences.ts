import { createHash } from "node:crypto";
import { createRequire } from "node:module";

/** A sequence number taken apart, as kinesalite does it (version 2, the only one it makes itself). */
interface Sequence {
  readonly shardCreateTime: number;
  readonly seqIx?: string | number;
  readonly byte1?: string;
  readonly seqTime?: number;
  readonly shardIx?: number;
  readonly version?: number | null;
}

interface KinesaliteDb {
  parseSequence(text: string): Sequence;
  stringifySequence(sequence: Sequence): string;
  partitionKeyToHashKey(key: string): unknown;
}

/** Hash keys remembered; streams have far fewer partition keys than records. */
const keysRemembered = 50_000;

/**
 * Kinesalite turns every record's sequence number and hash key from hexadecimal to decimal and back with a big
 * number library, which is half of all it does. This puts the engine's own big integers in its place; the results
 * are the same to the digit, and whatever is not of version 2 still goes the old way.
 */
export function useFastSequences(packageUrl: string): void {
  const require = createRequire(packageUrl);
  const db = require("./db") as KinesaliteDb;
  const BigNumber = require("bignumber.js") as new (digits: string) => unknown;
  const parseSequence = db.parseSequence.bind(db);
  const stringifySequence = db.stringifySequence.bind(db);
  db.parseSequence = (text) => parseVersion2(text) ?? parseSequence(text);
  db.stringifySequence = (sequence) => stringifyVersion2(sequence) ?? stringifySequence(sequence);
  const hashKeys = new Map<string, unknown>();
  db.partitionKeyToHashKey = (key) => {
    let hashKey = hashKeys.get(key);
    if (hashKey === undefined) {
      if (hashKeys.size >= keysRemembered) hashKeys.clear();
      const hex = createHash("md5").update(key, "utf8").digest("hex");
      hashKey = new BigNumber(BigInt(`0x${hex}`).toString());
      hashKeys.set(key, hashKey);
    }
    return hashKey;
  };
}

/** 47 hexadecimal digits: 2, creation (9), shard (1), index (16), byte (2), time (9), shard (8), version. */
export function parseVersion2(text: string): Sequence | undefined {
  if (!/^[0-9]{50,60}$/.test(text)) return undefined;
  const hex = BigInt(text).toString(16);
  if (hex.length !== 47 || !hex.startsWith("2") || !hex.endsWith("2")) return undefined;
  const shardIx = Number.parseInt(hex.slice(38, 46), 16);
  const created = Number.parseInt(hex.slice(1, 10), 16);
  if (shardIx > 0x7fffffff || hex.charAt(11) > "7" || created >= 16_025_175_000) return undefined;
  return {
    shardCreateTime: created * 1000,
    seqIx: BigInt(`0x${hex.slice(11, 27)}`).toString(),
    byte1: hex.slice(27, 29),
    seqTime: Number.parseInt(hex.slice(29, 38), 16) * 1000,
    shardIx,
    version: 2,
  };
}

export function stringifyVersion2(sequence: Sequence): string | undefined {
  const { version, shardCreateTime, seqTime, shardIx = 0, seqIx = 0, byte1 = "00" } = sequence;
  if ((version !== undefined && version !== null && version !== 2) || shardIx < 0) return undefined;
  const seconds = (millis: number) =>
    Math.floor(millis / 1000)
      .toString(16)
      .padStart(9, "0");
  const shard = shardIx.toString(16);
  const index = BigInt(seqIx ?? 0)
    .toString(16)
    .padStart(16, "0");
  const time = seconds(seqTime === undefined || seqTime === 0 ? shardCreateTime : seqTime);
  return BigInt(
    `0x2${seconds(shardCreateTime)}${shard.slice(-1)}${index}${byte1}${time}${shard.padStart(8, "0")}2`,
  ).toString();
}
