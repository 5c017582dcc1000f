/**
 * A sum that keeps what rounding loses: [sum, compensation].
 *
 * A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, ZAMM 54 (1974).
 */
export type CompensatedSum = readonly [sum: number, compensation: number];

export const EMPTY: CompensatedSum = [0, 0];

export function addTo(to: CompensatedSum, value: number): CompensatedSum {
  const next = to[0] + value;
  return [next, to[1] + lostIn(to[0], value, next)];
}

/** What rounding has lost of two numbers. @param next their sum */
export const lostIn = (sum: number, value: number, next: number): number =>
  Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;

export const mergeSums = (a: CompensatedSum, b: CompensatedSum): CompensatedSum => {
  const [sum, compensation] = addTo(a, b[0]);
  return [sum, compensation + b[1]];
};

export const total = ([sum, compensation]: CompensatedSum): number => sum + compensation;

export const isCompensatedSum = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
