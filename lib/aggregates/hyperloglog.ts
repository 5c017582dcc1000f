/**
 * A set of 48-bit hashes, of which only the count is of interest. While there are few it is the hashes themselves, sorted,
 * 6 bytes each; once those would take more bytes than the registers do, it is the registers, a byte each. What it is
 * depends on the set alone, not on the order in which hashes came or sets were merged.
 *
 * P. Flajolet, É. Fusy, O. Gandouet, F. Meunier, HyperLogLog: the analysis of a near-optimal cardinality estimation
 * algorithm, AofA 2007. The estimate is O. Ertl's, New cardinality estimation algorithms for HyperLogLog sketches,
 * arXiv:1702.01284 (algorithm 6), which needs no tables of biases and holds over the whole range.
 */
export type HyperLogLog = Uint8Array;

const HASH_BITS = 48;
const HASH_BYTES = HASH_BITS / 8;

export const EMPTY_SKETCH: HyperLogLog = new Uint8Array();

/** A multiple of six is never a power of two, so the length tells which it is. */
const isDense = (sketch: HyperLogLog, precision: number): boolean => sketch.length === 2 ** precision;

const hashAt = (sketch: HyperLogLog, i: number): number => {
  const at = i * HASH_BYTES;
  const high = sketch[at]! * 2 ** 8 + sketch[at + 1]!;
  return (
    high * 2 ** 32 +
    (sketch[at + 2]! * 2 ** 24 + sketch[at + 3]! * 2 ** 16 + sketch[at + 4]! * 2 ** 8 + sketch[at + 5]!)
  );
};

const setHashAt = (sketch: HyperLogLog, i: number, hash: number): void => {
  let rest = hash;
  for (let at = i * HASH_BYTES + HASH_BYTES - 1; at >= i * HASH_BYTES; at--) {
    sketch[at] = rest % 256;
    rest = Math.floor(rest / 256);
  }
};

const hashesOf = (sketch: HyperLogLog): number[] =>
  Array.from({ length: sketch.length / HASH_BYTES }, (_, i) => hashAt(sketch, i));

/** @param hash a whole number below 2^48 */
export function addHash(sketch: HyperLogLog, hash: number, precision: number): HyperLogLog {
  if (isDense(sketch, precision)) return withHash(sketch, hash, precision);
  let [from, to] = [0, sketch.length / HASH_BYTES];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (hashAt(sketch, middle) < hash) from = middle + 1;
    else to = middle;
  }
  if (from * HASH_BYTES < sketch.length && hashAt(sketch, from) === hash) return sketch;
  if (sketch.length + HASH_BYTES > 2 ** precision) return registersOf([...hashesOf(sketch), hash], precision);
  const next = new Uint8Array(sketch.length + HASH_BYTES);
  next.set(sketch.subarray(0, from * HASH_BYTES));
  setHashAt(next, from, hash);
  next.set(sketch.subarray(from * HASH_BYTES), (from + 1) * HASH_BYTES);
  return next;
}

export function mergeSketches(a: HyperLogLog, b: HyperLogLog, precision: number): HyperLogLog {
  if (!isDense(a, precision) && !isDense(b, precision)) {
    const hashes = [...new Set([...hashesOf(a), ...hashesOf(b)])].sort((x, y) => x - y);
    if (hashes.length * HASH_BYTES > 2 ** precision) return registersOf(hashes, precision);
    const merged = new Uint8Array(hashes.length * HASH_BYTES);
    hashes.forEach((hash, i) => setHashAt(merged, i, hash));
    return merged;
  }
  const [one, other] = [a, b].map((sketch) =>
    isDense(sketch, precision) ? sketch : registersOf(hashesOf(sketch), precision),
  );
  return one!.map((register, i) => Math.max(register, other![i]!));
}

/** Which register a hash belongs to, and the place of the first one bit in what is left of it. */
function ranked(hash: number, precision: number): [register: number, rank: number] {
  const bits = HASH_BITS - precision;
  const register = Math.floor(hash / 2 ** bits);
  const rest = hash % 2 ** bits;
  const high = Math.floor(rest / 2 ** 32);
  const zeros = high > 0 ? Math.clz32(high) - 32 : Math.clz32(rest);
  // Of 64 bits, as the two halves are, the first 16 + precision do not belong to the rest.
  return [register, zeros + 32 - (64 - bits) + 1];
}

function withHash(registers: HyperLogLog, hash: number, precision: number): HyperLogLog {
  const [register, rank] = ranked(hash, precision);
  if (registers[register]! >= rank) return registers;
  const next = new Uint8Array(registers);
  next[register] = rank;
  return next;
}

function registersOf(hashes: readonly number[], precision: number): HyperLogLog {
  const registers = new Uint8Array(2 ** precision);
  for (const hash of hashes) {
    const [register, rank] = ranked(hash, precision);
    if (registers[register]! < rank) registers[register] = rank;
  }
  return registers;
}

/** How many hashes: exact while they are kept, else an estimate with a standard error of 1.04 / √2^precision. */
export function estimate(sketch: HyperLogLog, precision: number): number {
  if (!isDense(sketch, precision)) return sketch.length / HASH_BYTES;
  const bits = HASH_BITS - precision;
  const size = sketch.length;
  const counts = new Float64Array(bits + 2);
  for (const register of sketch) counts[register]!++;
  let z = size * tau(1 - counts[bits + 1]! / size);
  for (let rank = bits; rank >= 1; rank--) z = (z + counts[rank]!) / 2;
  z += size * sigma(counts[0]! / size);
  return Math.round((size * size) / (2 * Math.LN2 * z));
}

/** x + Σ x^(2^k) 2^(k−1): what the registers that are still empty add. */
function sigma(share: number): number {
  let [x, y, z] = [share, 1, share];
  for (let before = Number.NaN; before !== z; y *= 2) {
    before = z;
    x *= x;
    z += x * y;
  }
  return z;
}

/** (1 − x − Σ (1 − x^(2^−k))² 2^−k) / 3: what the registers that are full take away. */
function tau(share: number): number {
  if (share === 0 || share === 1) return 0;
  let [x, y, z] = [share, 1, 1 - share];
  for (let before = Number.NaN; before !== z;) {
    before = z;
    x = Math.sqrt(x);
    y /= 2;
    z -= (1 - x) ** 2 * y;
  }
  return z / 3;
}

/** Whether stored bytes are a sketch of this precision. */
export function isSketch(bytes: Uint8Array, precision: number): boolean {
  if (isDense(bytes, precision)) return bytes.every((rank) => rank <= HASH_BITS - precision + 1);
  if (bytes.length % HASH_BYTES !== 0 || bytes.length > 2 ** precision) return false;
  return hashesOf(bytes).every((hash, i) => i === 0 || hashAt(bytes, i - 1) < hash);
}
