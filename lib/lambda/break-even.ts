/** AWS, us-east-1: a request; the lines that a refused turn logs, 1.2 KB at half a dollar a gigabyte. Dollars. */
const REQUEST = 0.2e-6;
const LOG_LINES = 0.6e-6;

/** A gigabyte of an Arm function's memory for a second. Dollars. */
const GIGABYTE_SECOND = 13.3334e-6;

/** @returns milliseconds of waiting that cost as much as being invoked again, to be refused */
export const breakEvenMillis = (memoryBytes: number): number =>
  ((REQUEST + LOG_LINES) / (GIGABYTE_SECOND * (memoryBytes / 1_024 ** 3))) * 1_000;
