/**
 * Bytes of memory that a state takes at most for each of its bytes as it is written (docs/scale.md, measured): of entries
 * that are objects, and of those in sorted runs, all of whose blocks are inflated.
 */
const HEAP_PER_BYTE = { object: 21, inRun: 5 };

/** The share of a function's memory that states may take. */
const STATE_SHARE = 0.4;

/** Bytes that states may take of a function's memory. */
export const stateMemoryIn = (memory: number): number => Math.floor(memory * STATE_SHARE);

/** Bytes of memory that a state takes at most: an estimate. @param bytesPerEntry as it is written */
export const stateMemoryOf = (objects: number, inRuns: number, bytesPerEntry: number): number =>
  Math.ceil((objects * HEAP_PER_BYTE.object + inRuns * HEAP_PER_BYTE.inRun) * bytesPerEntry);
