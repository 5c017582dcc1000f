/**
 * Numbers of twice the precision: the unevaluated sum of two doubles, about 106 bits.
 *
 * T. J. Dekker, A floating-point technique for extending the available precision, Numer. Math. 18 (1971);
 * Y. Hida, X. S. Li, D. H. Bailey, Algorithms for quad-double precision floating point arithmetic, ARITH-15 (2001).
 */
export type DoubleDouble = readonly [high: number, low: number];

/** The exact sum, where |a| is not less than |b|. */
const fastTwoSum = (a: number, b: number): DoubleDouble => {
  const sum = a + b;
  return [sum, b - (sum - a)];
};

/** The exact sum. */
const twoSum = (a: number, b: number): DoubleDouble => {
  const sum = a + b;
  const b1 = sum - a;
  return [sum, a - (sum - b1) + (b - b1)];
};

/** 2^27 + 1: splits a double into two halves of 26 bits. */
const SPLITTER = 134_217_729;

const split = (a: number): DoubleDouble => {
  const scaled = SPLITTER * a;
  const high = scaled - (scaled - a);
  return [high, a - high];
};

/** The exact product, of factors below 1e299 whose product is above 1e-290. */
const twoProduct = (a: number, b: number): DoubleDouble => {
  const product = a * b;
  const [a1, a2] = split(a);
  const [b1, b2] = split(b);
  return [product, a1 * b1 - product + a1 * b2 + a2 * b1 + a2 * b2];
};

export const plus = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => {
  const [high, highLost] = twoSum(a[0], b[0]);
  const [low, lowLost] = twoSum(a[1], b[1]);
  const [sum, lost] = fastTwoSum(high, highLost + low);
  return fastTwoSum(sum, lost + lowLost);
};

export const minus = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => plus(a, [-b[0], -b[1]]);

export const times = (a: DoubleDouble, b: DoubleDouble): DoubleDouble => {
  const [high, low] = twoProduct(a[0], b[0]);
  return fastTwoSum(high, low + (a[0] * b[1] + a[1] * b[0]));
};

export const dividedBy = (a: DoubleDouble, b: number): DoubleDouble => {
  const quotient = a[0] / b;
  const [high, low] = twoProduct(quotient, b);
  return fastTwoSum(quotient, (a[0] - high - low + a[1]) / b);
};
