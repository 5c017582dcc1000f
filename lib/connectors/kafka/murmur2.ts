/** Constants of Kafka's `Utils.murmur2` (org.apache.kafka.common.utils). */
const SEED = 0x9747b28c;
const M = 0x5bd1e995;
const R = 24;

/** MurmurHash2 of bytes, as Kafka's clients have it: a signed number of 32 bits. */
export function murmur2(bytes: Uint8Array): number {
  const { length } = bytes;
  let h = SEED ^ length;
  const whole = length & ~3;
  for (let i = 0; i < whole; i += 4) {
    let k = bytes[i]! | (bytes[i + 1]! << 8) | (bytes[i + 2]! << 16) | (bytes[i + 3]! << 24);
    k = Math.imul(k, M);
    k ^= k >>> R;
    h = Math.imul(h, M) ^ Math.imul(k, M);
  }
  const rest = length - whole;
  if (rest > 2) h ^= bytes[whole + 2]! << 16;
  if (rest > 1) h ^= bytes[whole + 1]! << 8;
  if (rest > 0) h = Math.imul(h ^ bytes[whole]!, M);
  h = Math.imul(h ^ (h >>> 13), M);
  return h ^ (h >>> 15);
}

/** What Kafka's default partitioner divides by the number of partitions: its `toPositive(murmur2(key))`. */
export const positiveHash = (key: Uint8Array): number => murmur2(key) & 0x7fffffff;

/** The partition that Kafka's default partitioner gives a key. */
export const partitionOf = (key: string, partitions: number): number => positiveHash(Buffer.from(key)) % partitions;
