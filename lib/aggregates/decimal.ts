/** A decimal number as text, such as "-12.50": what SQL's DECIMAL is, with as many digits after the point as are written. */
export const DECIMAL = /^-?\d+(?:\.\d+)?$/;

const scaleOf = (decimal: string): number => {
  const point = decimal.indexOf(".");
  return point === -1 ? 0 : decimal.length - point - 1;
};

/** The number times 10^scale. */
const scaled = (decimal: string, scale: number): bigint =>
  BigInt(decimal.replace(".", "") + "0".repeat(scale - scaleOf(decimal)));

/** The exact sum, with as many digits after the point as either has. */
export function addDecimals(a: string, b: string): string {
  const scale = Math.max(scaleOf(a), scaleOf(b));
  const sum = scaled(a, scale) + scaled(b, scale);
  if (scale === 0) return String(sum);
  const digits = String(sum < 0n ? -sum : sum).padStart(scale + 1, "0");
  return `${sum < 0n ? "-" : ""}${digits.slice(0, -scale)}.${digits.slice(-scale)}`;
}
