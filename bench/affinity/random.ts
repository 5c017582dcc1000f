/** Seeded random numbers: a run can be repeated. */
export interface Random {
  /** Uniform in [0, 1). */
  next(): number;
  /** A whole number, uniform in [0, n). */
  below(n: number): number;
  /** Exponentially distributed, of the given mean. */
  exponential(mean: number): number;
}

/** Mulberry32 (T. Ettinger, public domain): 32 bits of state, enough for what is averaged over thousands of draws. */
export function randomFrom(seed: number): Random {
  let state = seed | 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) | 0;
    let bits = Math.imul(state ^ (state >>> 15), 1 | state);
    bits = (bits + Math.imul(bits ^ (bits >>> 7), 61 | bits)) ^ bits;
    return ((bits ^ (bits >>> 14)) >>> 0) / 4_294_967_296;
  };
  return {
    next,
    below: (n) => Math.floor(next() * n),
    exponential: (mean) => -mean * Math.log(1 - next()),
  };
}
