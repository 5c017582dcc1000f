import { hashOf } from "./hash-range.ts";

/**
 * Keys of a shuffle are dealt out to so many groups: the unit in which its stream carries them and in which state moves
 * when its shards are split (Flink: key groups, maximum parallelism). More shards than groups would be of no use.
 */
export const KEY_GROUPS = 64;

/** Bits of a hash that tell the group. */
const GROUP_BITS = Math.log2(KEY_GROUPS);

/** The group of a key, by its code (`encodeKey`): FNV-1a, 32 bits, over UTF-16 units. */
export function keyGroupOf(keyCode: string): number {
  let hash = 0x811c9dc5;
  for (let i = 0; i < keyCode.length; i++) hash = Math.imul(hash ^ keyCode.charCodeAt(i), 0x01000193);
  // The low bits alone of FNV-1a differ little for short keys: fold the high ones in.
  hash ^= hash >>> 15;
  return (hash >>> 0) % KEY_GROUPS;
}

let partitionKeys: readonly string[] | undefined;

/**
 * A group's partition key. These are chosen such that Kinesis, which places a record by MD5 of its partition key, has
 * the groups evenly spread: group g lies in the g-th of equal parts of the hash range.
 */
export function partitionKeyOfGroup(group: number): string {
  partitionKeys ??= Array.from({ length: KEY_GROUPS }, (_, g) => evenKey(g));
  return partitionKeys[group]!;
}

function evenKey(group: number): string {
  for (let n = 0; ; n++) {
    const key = `group ${group}.${n}`;
    if (Number.parseInt(hashOf(key).slice(0, 4), 16) >> (16 - GROUP_BITS) === group) return key;
  }
}
