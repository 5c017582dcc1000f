/** Bytes of memory that a state takes for each of its bytes as it is written (docs/scale.md). */
const HEAP_PER_BYTE = 21;

/** The share of a function's memory that states may take. */
const STATE_SHARE = 0.4;

/** Bytes of states, as they are written, that a function with so many bytes of memory is made for. */
export const stateBytesFor = (memory: number): number => Math.floor((memory * STATE_SHARE) / HEAP_PER_BYTE);
