/** The power of two of the smallest double: all are whole numbers of 2^−1074. */
export const SCALE = 1074n;

/** A double as a whole number of 2^−1074: exact. */
export function exactly(x: number): bigint {
  const bits = new DataView(new ArrayBuffer(8));
  bits.setFloat64(0, x);
  const word = bits.getBigUint64(0);
  const exponent = (word >> 52n) & 0x7ffn;
  const mantissa = (word & ((1n << 52n) - 1n)) | (exponent === 0n ? 0n : 1n << 52n);
  const size = mantissa << (exponent === 0n ? 0n : exponent - 1n);
  return x < 0 ? -size : size;
}
