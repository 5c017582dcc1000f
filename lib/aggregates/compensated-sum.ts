/**
 * A sum that keeps what rounding loses: [sum, compensation].
 *
 * A. Neumaier, Rundungsfehleranalyse einiger Verfahren zur Summation endlicher Summen, ZAMM 54 (1974).
 */
export type CompensatedSum = readonly [sum: number, compensation: number];

export const EMPTY: CompensatedSum = [0, 0];

export function addTo(to: CompensatedSum, value: number): CompensatedSum {
  const sum = to[0];
  const next = sum + value;
  const lost = Math.abs(sum) >= Math.abs(value) ? sum - next + value : value - next + sum;
  return [next, to[1] + lost];
}

export const mergeSums = (a: CompensatedSum, b: CompensatedSum): CompensatedSum => {
  const [sum, compensation] = addTo(a, b[0]);
  return [sum, compensation + b[1]];
};

export const total = ([sum, compensation]: CompensatedSum): number => sum + compensation;

export const isCompensatedSum = (value: unknown): boolean =>
  Array.isArray(value) && value.length === 2 && value.every(Number.isFinite);
